/**
 * Data-sheet figures of GPUs: dense bf16 operations a second of their matrix units (not the doubled figure for sparse matrices) and memory. Data
 * sheets write GB; taken as 10^9 bytes, which is at most what the driver reports. NVIDIA: data sheets of A100 80GB SXM, H100 SXM, H200 SXM,
 * DGX B200; AMD: Instinct MI300X. Read through third parties here, so `summary`.
 */
export interface GpuKind {
  name: string;
  /** 10^12 operations a second, bf16, dense. */
  peakTflops: number;
  memoryBytes: number;
  source: string;
}

export const gpuKinds: readonly GpuKind[] = [
  {
    name: 'A100',
    peakTflops: 312,
    memoryBytes: 80e9,
    source: 'NVIDIA A100 80GB SXM data sheet, bf16 Tensor Core',
  },
  {
    name: 'H100',
    peakTflops: 989,
    memoryBytes: 80e9,
    source: 'NVIDIA H100 SXM data sheet, bf16 Tensor Core, dense (1,979 with sparsity)',
  },
  {
    name: 'H200',
    peakTflops: 989,
    memoryBytes: 141e9,
    source: 'NVIDIA H200 SXM data sheet, bf16 Tensor Core, dense (1,979 with sparsity)',
  },
  {
    name: 'B200',
    peakTflops: 2250,
    memoryBytes: 180e9,
    source: 'NVIDIA DGX B200 data sheet, bf16 Tensor Core, dense (4,500 with sparsity)',
  },
  {
    name: 'MI300X',
    peakTflops: 1307,
    memoryBytes: 192e9,
    source: 'AMD Instinct MI300X data sheet, bf16, dense',
  },
];
