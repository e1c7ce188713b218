"""slb-swap: keeps an Alibaba Cloud load balancer pointed at live servers."""
