"""Makes test/fixtures/regressor: two tiny random models in the Hugging Face layout (an encoder, a sequence classifier with one output),
exported to ONNX by torch, and what transformers and sentence-transformers' pooling say about a list of texts.

  python test/oracles/regressor_models.py test/fixtures/regressor

Needs torch, transformers, tokenizers, onnx, onnxscript. The weights are random with a fixed seed and large enough that texts differ.
The tokenizer's words come from the texts below. expected.json: for each text the three poolings of the last hidden state (float64 of
float32 arithmetic, each text alone), the classifier's output, and the token count.
"""
import json, os, sys
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

folder = sys.argv[1]
texts = [
    "The derivative of x^2 is 2x.",
    "Buy now!",
    "Let f be a continuous function on [0, 1]. By the intermediate value theorem there is a point where f vanishes.",
    "",
    "Ünïcödé: π ≈ 3.14159, naïve café, 数学は楽しい。",
    "one two three four five six seven eight nine ten " * 20,
    "We add the two equations, divide both sides by three, and find x = 4. Check: 3 * 4 = 12.\n\nSo the answer is 4.",
]
tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.train_from_iterator(
    texts, trainers.WordPieceTrainer(vocab_size=220, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
)
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
    special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]")), ("[SEP]", tokenizer.token_to_id("[SEP]"))],
)
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    model_max_length=64,
)
torch.manual_seed(7)
config = BertConfig(
    vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
    max_position_embeddings=64, type_vocab_size=2, initializer_range=0.35, num_labels=1, attn_implementation="eager",
)
classifier = BertForSequenceClassification(config).eval()
encoder = BertModel(config, add_pooling_layer=False).eval()
encoder.load_state_dict({k.removeprefix("bert."): v for k, v in classifier.state_dict().items() if k.startswith("bert.") and "pooler" not in k})

def tokens(batch):
    return fast(batch, padding=True, truncation=True, max_length=64, return_token_type_ids=True, return_tensors="pt")

class Hidden(torch.nn.Module):
    def __init__(self, model): super().__init__(); self.model = model
    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

class Logits(Hidden):
    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits

def export(module, path, output):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    sample = tokens(texts[:3])
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=1, max=64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        module, tuple(sample[name] for name in names), path, input_names=names, output_names=[output], dynamo=True,
        dynamic_shapes=[{0: batch, 1: length}] * 3, external_data=False, optimize=True,
    )
    import onnx
    graph = onnx.load(path)
    for node in graph.graph.node:
        node.ClearField("metadata_props"); node.ClearField("doc_string")
    graph.graph.ClearField("value_info")
    onnx.save(graph, path)

for name, model, output in [("encoder", Hidden(encoder), "last_hidden_state"), ("classifier", Logits(classifier), "logits")]:
    at = os.path.join(folder, name)
    os.makedirs(at, exist_ok=True)
    config.architectures = ["BertModel" if name == "encoder" else "BertForSequenceClassification"]
    config.to_json_file(os.path.join(at, "config.json"))
    tokenizer.save(os.path.join(at, "tokenizer.json"), pretty=False)
    with open(os.path.join(at, "tokenizer_config.json"), "w") as file:
        json.dump({"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 64, "pad_token": "[PAD]", "unk_token": "[UNK]",
                   "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}, file, indent=2)
    with torch.no_grad(): export(model, os.path.join(at, "onnx", "model.onnx"), output)

pooling = os.path.join(folder, "encoder", "1_Pooling")
os.makedirs(pooling, exist_ok=True)
with open(os.path.join(pooling, "config.json"), "w") as file:
    json.dump({"word_embedding_dimension": 32, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, file, indent=2)
with open(os.path.join(folder, "encoder", "modules.json"), "w") as file:
    json.dump([{"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
               for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])], file, indent=2)

expected = []
with torch.no_grad():
    for text in texts:
        inputs = tokens([text])
        hidden = encoder(**inputs).last_hidden_state[0]
        expected.append({
            "text": text, "tokens": int(inputs["input_ids"].shape[1]), "mean": hidden.mean(0).tolist(), "cls": hidden[0].tolist(),
            "lasttoken": hidden[-1].tolist(), "logit": classifier(**inputs).logits.item(),
        })
with open(os.path.join(folder, "expected.json"), "w") as file:
    json.dump([{**row, **{k: [round(x, 7) for x in row[k]] for k in ("mean", "cls", "lasttoken")}} for row in expected], file, indent=1)
