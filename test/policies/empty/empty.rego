# The cheapest policy there is: what the engine itself costs on the same input.
package empty

publish := {"allow": false, "reason": "internal_error", "findings": [], "obligations": {}}
