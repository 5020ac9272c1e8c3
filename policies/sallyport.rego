# The entrypoints of the bundle (contract 1). Each answers {allow, reason, findings, obligations}, always.
package sallyport

import data.sallyport.authz

connect := authz.connect.decision

publish := authz.publish.decision

subscribe := authz.subscribe.decision

command := authz.command.decision

grants := authz.grants.decision

cuts := authz.cuts.cuts
