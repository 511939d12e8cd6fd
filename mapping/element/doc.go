// Package element is the kit of typed construction: small functions that build google/fhir datatypes
// and set members of any resource message by name. What is absent in the source ("", the zero Ref, a
// typed nil) becomes a nil message, and a nil message is left out, so that a mapping reads like the
// table it implements. It refuses the names of any one format.
package element
