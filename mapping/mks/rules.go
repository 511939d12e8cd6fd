package mks

// ruleCode returns the issue code of a rule (mks.md 2.3).
func ruleCode(rule string) string {
	codes := map[string]string{
		"MKS-ENV-01": "required", "MKS-VB-01": "required", "MKS-ZP-03": "required", "MKS-BB-01": "required",
		"MKS-ENV-02": "value", "MKS-ENV-05": "value", "MKS-ENV-06": "value",
		"MKS-ENV-03": "code-invalid", "MKS-ENV-17": "code-invalid",
		"MKS-REF-02": "not-found", "MKS-REF-04": "not-found", "MKS-REF-05": "not-found",
		notSupported: "not-supported",
	}
	if c, ok := codes[rule]; ok {
		return c
	}
	return "business-rule"
}

// notSupported is the rule id for a record type that has its place but no mapping yet.
const notSupported = "MKS-ENV-18"

// ruleText returns what is wrong and what to do, in one sentence.
func ruleText(rule string) string {
	if t, ok := ruleTexts[rule]; ok {
		return t
	}
	return "This value breaks rule " + rule + " of mks-bron/1."
}

// ruleTexts is read only.
var ruleTexts = map[string]string{
	"MKS-ENV-01": "A required member is missing or empty. Send it.",
	"MKS-ENV-02": "The value has the wrong JSON type or format. Send it as the member table says.",
	"MKS-ENV-03": "The code is not in the closed list of this member.",
	"MKS-ENV-05": "The BSN fails the 11-proef.",
	"MKS-ENV-06": "The identifying number has the wrong length or other characters than digits.",
	"MKS-ENV-07": "The time of recording lies more than five minutes in the future.",
	"MKS-ENV-08": "The local id is a BSN. Send an id that identifies nobody outside the source system.",
	"MKS-ENV-09": "A withdrawn record needs the reason of the withdrawal.",
	"MKS-ENV-11": "This local id is known with another BSN.",
	"MKS-ENV-14": "Two items of the list have the same id.",
	"MKS-ENV-15": "The end lies before the start.",
	"MKS-REF-01": "No child record of this source is stored yet: the reference stays logical until it comes.",
	"MKS-REF-02": "The reference names nothing in the lists of the child record.",
	"MKS-REF-03": "The reference names something of another kind than this member takes.",
	"MKS-REF-04": "The named record is not stored: its identifier alone is kept.",
	"MKS-REF-05": "The id is not found in this record.",
	notSupported: "This record type is not supported yet.",
}
