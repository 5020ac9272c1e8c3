# The entrypoints of the bundle (contract 1). Each answers {allow, reason, findings, obligations}, always.
package sallyport

import data.sallyport.authz
import data.sallyport.readers
import data.sallyport.updates

connect := authz.connect.decision

publish := authz.publish.decision

subscribe := authz.subscribe.decision

command := authz.command.decision

ota := updates.decision

consume := readers.decision

grants := authz.grants.decision

cuts := authz.cuts.cuts
