package mks

// ruleCode returns the issue code of a rule (mks.md 2.3).
func ruleCode(rule string) string {
	codes := map[string]string{
		"MKS-ENV-01": "required", "MKS-VB-01": "required", "MKS-ZP-03": "required", "MKS-BB-01": "required",
		"MKS-ENV-02": "value", "MKS-ENV-05": "value", "MKS-ENV-06": "value",
		"MKS-ENV-03": "code-invalid", "MKS-ENV-17": "code-invalid",
		"MKS-REF-02": "not-found", "MKS-REF-04": "not-found", "MKS-REF-05": "not-found",
	}
	if c, ok := codes[rule]; ok {
		return c
	}
	return "business-rule"
}

// ruleText returns what is wrong and what to do, in one sentence.
func ruleText(rule string) string {
	if t, ok := ruleTexts[rule]; ok {
		return t
	}
	return "This value breaks rule " + rule + " of mks-bron/1."
}

// moreFaults is the rule id of the last issue of a document with more faults than are told.
const moreFaults = "MKS-ENV-19"
