"""How Sluice runs: the platform on one machine, its work pool, deployments, automations and blocks."""
