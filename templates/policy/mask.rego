# What never reaches a sink of the decision log: paths into the event.
package system.log

mask contains path if some path in data.site.log_mask
