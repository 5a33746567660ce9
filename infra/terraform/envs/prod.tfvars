# Zone redundant and autoscaled. The sizes are a start: measure, then set them.
environment = "prod"
location    = "westeurope"

# The application id that infra/bootstrap.sh prints.
api_client_id = "00000000-0000-0000-0000-000000000000"

cosmos = {
  serverless        = false
  zone_redundant    = true
  failover_location = "northeurope"
  backup_tier       = "Continuous30Days"
  max_throughput = {
    events         = 10000
    snapshots      = 2000
    views          = 10000
    leases         = 2000
    keys           = 1000
    trigger-leases = 1000
  }
}

event_hubs = {
  sku                      = "Standard"
  capacity                 = 2
  maximum_throughput_units = 10
  partitions               = 16
  retention_hours          = 168
  consumer_groups          = ["reporting"]
}

function_apps = {
  commands = {
    instance_memory_in_mb  = 2048
    maximum_instance_count = 100
    http_concurrency       = 32
    always_ready_http      = 3
    zone_redundant         = true
  }
  queries = {
    instance_memory_in_mb  = 2048
    maximum_instance_count = 100
    http_concurrency       = 64
    always_ready_http      = 3
    zone_redundant         = true
  }
  projectors = {
    instance_memory_in_mb  = 2048
    maximum_instance_count = 40
    zone_redundant         = true
  }
}

gateway = {
  sku_name                  = "StandardV2_2"
  publisher_name            = "Tidemark"
  publisher_email           = "ledger@example.com"
  rate_limit_calls          = 6000
  rate_limit_period_seconds = 60
}

monitoring = {
  retention_in_days = 90
  daily_quota_gb    = 20
}

alerts = {
  emails      = ["ledger-oncall@example.com"]
  lag_seconds = 30
}

budget = {
  amount     = 3000
  start_date = "2026-01-01T00:00:00Z"
}

# true closes every public end point but the gateway's. The runner that deploys must then reach the network, or be named
# in deployment_ip_ranges: docs/operations.md, "Private networking".
private_networking = false
