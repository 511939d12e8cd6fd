package record

import "github.com/drieluik/drieluik/mapping/form"

// Version is the value of the member schema.
const Version = "mks-bron/1"

// Dialect is how documents of the format are read (mks.md 2.3). It is read only.
var Dialect = form.Dialect{
	Schema: Version, Body: "inhoud",
	Rules: form.Rules{
		Missing: "MKS-ENV-01", Shape: broken, Count: broken, Large: broken, Unknown: "MKS-ENV-04", Empty: "MKS-ENV-16",
		Duplicate: "MKS-ENV-14", Order: "MKS-ENV-15", More: moreFaults,
	},
	Texts: english(), Translated: dutch(),
	Codes: map[string]string{
		"MKS-ENV-01": "required", "MKS-VB-01": "required", "MKS-ZP-03": "required", "MKS-BB-01": "required",
		"MKS-ENV-02": "value", "MKS-ENV-05": "value", "MKS-ENV-06": "value",
		"MKS-ENV-03": "code-invalid", "MKS-ENV-17": "code-invalid",
		"MKS-REF-02": "not-found", "MKS-REF-04": "not-found", "MKS-REF-05": "not-found",
	},
	Spans: []form.Span{
		{From: "vanaf", To: "tot"}, {From: "vanaf", To: "totEnMet"}, {From: "ingangsdatum", To: "einddatum"},
		{From: "geldigVanaf", To: "geldigTot"}, {From: "van", To: "tot", Apart: true},
	},
}

// moreFaults is the rule id of the last issue of a document with more faults than are told.
const moreFaults = "MKS-ENV-19"
