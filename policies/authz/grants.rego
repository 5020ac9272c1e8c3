# grants: placeholder
package sallyport.authz.grants

import data.sallyport.authz.connect

decision := connect.decision
