output "rules" {
  description = "The log alerts: name => severity and threshold."
  value = {
    for key, rule in azurerm_monitor_scheduled_query_rules_alert_v2.this : key => {
      severity  = rule.severity
      threshold = rule.criteria[0].threshold
    }
  }
}
