/**
 * What would make training faster on a device, from facts about it: a pure function, so that every piece of advice has a test. Each line
 * says what is slow, then what to do; what midtrain has not measured it does not promise.
 */

/** What `devices` knows about the adapter in use and the machine around it. */
export interface DeviceFacts {
  software: boolean;
  /** `lavapipe`, `swiftshader` and so on, as find-adapter.ts names them; `environment` when the user's variables chose. */
  kind: string;
  platform: string;
  vendor: string;
  features: readonly string[];
  maxStorageBufferBindingSize: number;
  /** Adapters that the set-up found to work on this machine. */
  available: readonly string[];
  /** Files that show a card in the machine, whatever its driver: `/dev/nvidia0`, `/dev/dri/renderD128`, `/dev/dxg`. */
  cards: readonly string[];
  /** Cores, and the load of the last minute. */
  cores: number;
  load: number;
  /** Whether variants were measured on this adapter. */
  tuned: boolean;
  setupCommand: string;
}

export function adviseDevice(facts: DeviceFacts): string[] {
  const advice: string[] = [];
  const { software, kind, available, setupCommand } = facts;
  if (software && available.includes('gpu'))
    advice.push(
      `the set-up found a GPU, and a software adapter is in use: unset ${kind === 'environment' ? 'VK_DRIVER_FILES and VK_ICD_FILENAMES' : 'MIDTRAIN_ADAPTER'}`,
    );
  else if (software && facts.cards.length > 0) {
    const nvidia = facts.cards.some((card) => card.includes('nvidia'));
    advice.push(
      `${facts.cards.join(' and ')} show${facts.cards.length === 1 ? 's' : ''} a card that Vulkan does not: ${
        nvidia
          ? "install NVIDIA's Vulkan driver (libGLX_nvidia and nvidia_icd.json; in a container NVIDIA_DRIVER_CAPABILITIES must hold `graphics`)"
          : 'install its Vulkan driver (Debian: mesa-vulkan-drivers)'
      }, then \`${setupCommand}\``,
    );
  } else if (software)
    advice.push(
      `the CPU does the work: any GPU with a Vulkan, Metal or D3D12 driver is far faster; \`${setupCommand}\` finds it once its driver is there`,
    );
  if (kind === 'swiftshader')
    advice.push(
      available.includes('lavapipe')
        ? 'SwiftShader has slower code than lavapipe, which is set up here (4 to 6 times, EXPERIMENTS.md): unset MIDTRAIN_ADAPTER'
        : `SwiftShader has slower code than lavapipe (4 to 6 times, EXPERIMENTS.md): \`MIDTRAIN_ADAPTER=lavapipe ${setupCommand}\``,
    );
  if (software && facts.load > facts.cores * 0.5)
    advice.push(
      `the load is ${facts.load.toFixed(1)} on ${facts.cores} cores: other work takes time from a software adapter, and from the figures above`,
    );
  if (!facts.tuned)
    advice.push(
      'no kernel variant was measured on this adapter, so defaults run: `midtrain devices --tune` measures once and keeps it',
    );
  if (!software && !facts.features.includes('shader-f16'))
    advice.push(
      `no shader-f16, so operands in f16 are unpacked by the shader and tensor cores stay idle: a newer ${facts.vendor.toLowerCase().includes('nvidia') ? 'NVIDIA driver (535 or later)' : 'driver'} may offer it`,
    );
  if (!software && facts.maxStorageBufferBindingSize < 512 << 20)
    advice.push(
      `a kernel sees ${Math.floor(facts.maxStorageBufferBindingSize / 1048576)} MiB of a buffer: larger vocabularies are cut into blocks of rows, which costs a little`,
    );
  return advice;
}
