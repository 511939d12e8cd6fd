package fhir

// ParseValue reads any JSON value with the strictness of ParseDocument, and returns its root.
// The node is missing when an issue is an error.
func ParseValue(src []byte, limits Limits) (Node, []Issue) {
	s, issues := scan(string(src), limits, false)
	if s == nil {
		return Node{}, issues
	}
	r := &Resource{src: s.src, nodes: s.nodes}
	if s.stop == nil && len(s.faults) == 0 {
		return r.Root(), nil
	}
	return Node{}, s.issues(r)
}
