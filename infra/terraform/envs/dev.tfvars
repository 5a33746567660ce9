# A few euros a month: everything here is paid by use, nothing by the hour.
environment = "dev"
location    = "westeurope"

# The application id that infra/bootstrap.sh prints.
api_client_id = "00000000-0000-0000-0000-000000000000"

cosmos = {
  serverless  = true
  delete_lock = false
}

# { sku = "Basic" } relays to a hub, for about ten euros a month.
event_hubs = null

gateway = {
  sku_name        = "Consumption_0"
  publisher_name  = "Tidemark dev"
  publisher_email = "ledger-dev@example.com"
}

alerts = {
  emails     = ["ledger-dev@example.com"]
  evaluation = "PT15M"
}

budget = {
  amount     = 20
  start_date = "2026-01-01T00:00:00Z"
}
