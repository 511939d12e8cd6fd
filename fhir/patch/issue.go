package patch

import "github.com/drieluik/drieluik/fhir"

// rule is a class of faults: the stable id, the issue code, and what to do.
type rule struct{ id, code, text string }

// at returns the issue of a fault at a place.
func (r rule) at(place string) fhir.Issue {
	return fhir.Issue{Severity: fhir.SeverityError, Code: r.code, Expression: place, Diagnostics: r.id, Text: r.text}
}

// Faults of a patch itself, found by Parse.
var (
	ruleMedia   = rule{"PATCH-MEDIA", "not-supported", "Send the patch as " + JSON + " or as Parameters in " + FHIRPath + "."}
	ruleArray   = rule{"PATCH-FORM", "structure", "A JSON Patch is an array of objects; send one object for each operation."}
	ruleParams  = rule{"PATCH-FORM", "structure", "A FHIRPath Patch is a Parameters resource; send one parameter named operation for each operation."}
	ruleCount   = rule{"PATCH-COUNT", "too-long", "A patch has at most 500 operations; send fewer, or the whole resource."}
	ruleOp      = rule{"PATCH-OP", "value", "op must be add, remove, replace, move, copy or test."}
	rulePointer = rule{"PATCH-POINTER", "value", "Give a JSON pointer: empty, or steps that begin with a slash; in a step ~0 stands for ~ and ~1 for a slash."}
	ruleValue   = rule{"PATCH-VALUE", "required", "This operation needs a value; null is one too."}
	ruleItself  = rule{"PATCH-MOVE", "business-rule", "A value cannot be moved into itself; move it elsewhere, or copy it."}
	ruleType    = rule{"PATCH-OP", "value", "The part type must be the code add, insert, delete, replace or move."}
	rulePart    = rule{"PATCH-PART", "structure", "The operation does not take this part, or takes it once, or in another form; remove or correct it."}
	ruleLacks   = rule{"PATCH-PART", "required", "The operation lacks a part that its type needs: "}
	rulePath    = rule{"PATCH-PATH", "value", "The path is no FHIRPath expression that this server knows; correct it."}
	ruleContent = rule{"PATCH-VALUE", "structure", "A value is one value[x], one resource, or parts with a name and a value of their own."}
)

// Faults of an operation on the resource, found by Apply.
var (
	ruleTarget   = rule{"PATCH-TARGET", "not-found", "The resource has nothing at this place; objects on the way are not made."}
	ruleIndex    = rule{"PATCH-INDEX", "not-found", "The list has no such position; count from 0, without leading zeros."}
	ruleTest     = rule{"PATCH-TEST", "conflict", "The resource has another value at this place; read it again."}
	ruleSize     = rule{"PATCH-SIZE", "too-long", "The outcome would be larger or deeper than this server takes; change less."}
	ruleWork     = rule{"PATCH-WORK", "too-costly", "The patch is too much work for a resource of this size; send fewer operations, or the whole resource."}
	ruleResult   = rule{"PATCH-RESULT", "processing", "The outcome would be no FHIR resource: "}
	ruleIdentity = rule{"PATCH-IDENTITY", "business-rule", "A patch cannot change resourceType or id; leave both as they are."}
	ruleEval     = rule{"PATCH-PATH", "processing", "The path cannot be evaluated on this resource; make it simpler."}
	ruleMatch    = rule{"PATCH-MATCH", "not-found", "The path must lead to exactly one element of this resource; make it more precise."}
	ruleList     = rule{"PATCH-LIST", "not-found", "The path must lead to a whole list that is there; use add to begin one."}
	ruleExists   = rule{"PATCH-EXISTS", "duplicate", "The element is there already and does not repeat; use replace."}
	ruleName     = rule{"PATCH-NAME", "value", "R4 has no such element there; name it as in FHIRPath, a choice without its type."}
	ruleKind     = rule{"PATCH-TYPE", "value", "The value is not of the type that R4 has there."}
)
