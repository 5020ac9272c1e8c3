# cuts
package sallyport.authz.cuts

cuts := {}
