// Package rebuild is the kit of the way back: it reads FHIR elements and builds the JSON of a source
// document member by member. It refuses the members and rules of any one format, and any archived copy
// of a source document.
//
//	s := rebuild.NewSet(resources, rules)           // by reference, with bounds on what is read
//	doc := rebuild.Object(
//		rebuild.M("titel", rebuild.Text(plan.Member("title"))), // a row of the table: member ← place
//		rebuild.M("mal", rebuild.Each(goals, goal)),
//	)
//	s.PutBack(doc, plan)                            // every source-member at its pointer
//	text := doc.JSON()
//
// What is missing in FHIR reads as nil, and a nil member is left out: the form of the format says
// afterwards whether it may be. No function panics on a resource of any shape.
package rebuild
