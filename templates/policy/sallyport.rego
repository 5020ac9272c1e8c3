# The entrypoints of contract 1 (docs/policy-contract.md): each always answers {allow, reason, findings, obligations}.
package sallyport

import data.sallyport.authz.command as commands
import data.sallyport.authz.cuts as clock
import data.sallyport.authz.device
import data.sallyport.authz.messages
import data.sallyport.authz.verdict

connect := verdict.answer(device.failing, device.session)

publish := verdict.answer(device.failing | messages.publish_failing, {})

subscribe := verdict.answer(device.failing | messages.subscribe_failing, {"max_qos": data.site.profile.max_qos})

command := verdict.answer(commands.failing, {"command_ttl_s": data.site.command_ttl_s})

# What a session may do, as a list. It must never disagree with publish and subscribe.
grants := object.union(verdict.answer(device.failing, device.session), {"grants": messages.grants})

# One model, so one table for whatever a record names.
cuts["*"] := clock.kinds
