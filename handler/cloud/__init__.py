"""The calls to Alibaba Cloud; the only importer of its SDKs."""
