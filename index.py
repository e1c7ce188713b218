from handler.main import initialize, swap, webhook
