"""From `model=` to a folder on disk in Hugging Face format."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rlstack.config.model import ModelConfig
from rlstack.errors import ConfigError, nearest
from rlstack.models import granite, smollm2
from rlstack.models.tokenizer import END_OF_TEXT, PAD, open_tokenizer

_HERE = Path(__file__).parent
_BUILTIN: dict[str, Callable[[], Path]] = {
    "tiny": lambda: _HERE / "tiny" / "base",
    "tiny-tokenizer": lambda: _HERE / "tiny" / "tokenizer",
    "smollm2-135m": lambda: cached("smollm2-135m", smollm2.convert),
}
_WEIGHTS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.py")


def resolve(model: ModelConfig, seed: int = 0) -> Path:
    """The folder with config, weights and tokenizer that a run starts from.

    Random weights (path=null) and converted checkpoints are made once in the cache. Raises ConfigError when
    nothing is there, or when a hub id can be neither found in the local cache nor downloaded.
    """
    if model.path is not None:
        return _locate(model.path, "model.path")
    if model.shape is None or model.tokenizer is None:
        raise ConfigError(
            "model.path is null, so model.shape and model.tokenizer must say what to build: "
            "write model.path=<folder or hub id>, or model.tokenizer=builtin:tiny-tokenizer"
        )
    shape, tokenizer = model.shape, _locate(model.tokenizer, "model.tokenizer")
    key = json.dumps([shape.model_dump(), seed, _digest(tokenizer / "tokenizer.json"), granite.INIT_STD])
    name = f"{model.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"

    def build(folder: Path) -> None:
        opened = open_tokenizer(tokenizer)
        special = granite.SpecialIds(*opened.convert_tokens_to_ids([END_OF_TEXT, PAD]))
        granite.random_model(granite.granite_config(shape, special), seed).save_pretrained(str(folder))
        for file in tokenizer.iterdir():
            if file.is_file():
                shutil.copyfile(file, folder / file.name)

    return cached(name, build)


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """A folder of the cache, built on first use and moved into place by one rename.

    $XDG_CACHE_HOME/rlstack/<name>; two processes may build at once, one of them wins.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rlstack"
    final = root / name
    if final.exists():
        return final
    root.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=root))
    try:
        build(partial)
        partial.chmod(0o755)  # mkdtemp made it private
        try:
            os.rename(partial, final)
        except OSError:
            if not final.exists():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return final


def _locate(path: str, key: str) -> Path:
    scheme, _, name = path.rpartition(":")
    if scheme == "builtin":
        if name not in _BUILTIN:
            raise ConfigError(f"{key}={path}: there is no built-in '{name}', {nearest(name, _BUILTIN)}")
        return _BUILTIN[name]()
    folder = Path(path).expanduser()
    if folder.is_dir():
        wanted = "tokenizer.json" if key == "model.tokenizer" else "config.json"
        if not (folder / wanted).exists():
            raise ConfigError(f"{key}={path}: the folder holds no {wanted}, so it is not a checkpoint to start from")
        return folder.resolve()
    if path.startswith(("/", ".", "~")) or path.count("/") != 1:
        raise ConfigError(f"{key}={path}: there is no such folder, and a hub id looks like owner/name")
    return _from_hub(path, key)


def _from_hub(hub_id: str, key: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id, allow_patterns=list(_WEIGHTS)))
    except Exception as error:  # a border: network, hub, credentials, disk
        reason = (str(error).splitlines() or ["no message"])[0]
        raise ConfigError(
            f"{key}={hub_id}: neither a folder here, nor in the local hub cache, nor downloadable "
            f"({type(error).__name__}: {reason}). Offline, copy the checkpoint to this machine and write "
            f"{key}=/path/to/folder; model=tiny needs no download"
        ) from error


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
