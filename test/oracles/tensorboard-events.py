"""TensorBoard event files as others write them: test/fixtures/tensorboard/{pytorch,tensors}/events.out.tfevents.*

    /path/to/python test/oracles/tensorboard-events.py        # torch, tensorboard, tensorflow is not needed

pytorch: torch.utils.tensorboard's SummaryWriter (simple_value), with a histogram and a text between. tensors: values as TensorFlow 2 and the Keras
callback write them (a tensor of one number: float as content and as float_val, double, int64), through tensorboard's own writer.
"""
import glob
import os
import shutil

import numpy
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from torch.utils.tensorboard import SummaryWriter

root = os.path.join(os.path.dirname(__file__), "..", "fixtures", "tensorboard")
shutil.rmtree(root, ignore_errors=True)
with SummaryWriter(os.path.join(root, "pytorch")) as out:
    out.add_text("config", "lr 1e-6")
    for step in (0, 5, 10):
        out.add_scalar("train/reward", 0.1 * step, step)
        out.add_scalar("train/completions/mean_length", 100 + step, step)
        out.add_scalar("eval/rewards/accuracy_reward/mean", 0.25 + step / 40, step)
        out.add_histogram("weights", numpy.arange(10), step)
    out.add_scalar("train/reward", 3.5, 5_000_000_000)

shape = tensor_shape_pb2.TensorShapeProto()
content = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape=shape, tensor_content=numpy.float32(0.5).tobytes())
single = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_shape=shape, float_val=[0.75])
double = tensor_pb2.TensorProto(dtype=types_pb2.DT_DOUBLE, tensor_shape=shape, double_val=[1 / 3])
whole = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, tensor_shape=shape, int64_val=[-7])
vector = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=numpy.zeros(3, numpy.float32).tobytes())
writer = EventFileWriter(os.path.join(root, "tensors"))
for step, tensor in enumerate((content, single, double, whole, vector)):
    value = summary_pb2.Summary.Value(tag="loss", tensor=tensor)
    writer.add_event(event_pb2.Event(wall_time=1.0, step=step, summary=summary_pb2.Summary(value=[value])))
writer.close()
# Host and process are in the names; the first part is what readers look for.
for path in glob.glob(os.path.join(root, "*", "events.*")):
    os.rename(path, os.path.join(os.path.dirname(path), "events.out.tfevents.1"))
