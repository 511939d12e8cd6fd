package samordningsplan

import "github.com/drieluik/drieluik/mapping/form"

// dialect is how the format reports. It is read only.
var dialect = &form.Dialect{
	Schema: Schema,
	Rules: form.Rules{Missing: "SP-S01", Shape: "SP-S02", Count: "SP-S09", Large: "SP-S09", Unknown: "SP-S08",
		More: "SP-S11"},
	Codes: map[string]string{
		"SP-S01": "required", "SP-S02": "value", "SP-S03": "code-invalid", "SP-S04": "duplicate", "SP-S05": "not-found",
		"SP-S06": "value", "SP-S07": "value", "SP-S08": "informational", "SP-S09": "value", "SP-R06d": "conflict",
	},
	Texts: ruleTexts, Translated: translatedTexts,
}

// ruleTexts is read only.
var ruleTexts = map[string]string{
	"SP-S01": "A required member is missing or empty. Send it.",
	"SP-S02": "The value has the wrong JSON type. Send it as the member table says.",
	"SP-S03": "The code is not in the closed list of this member.",
	"SP-S04": "This id, or this organisation, is in the document already. Name each once.",
	"SP-S05": "The reference names nothing of the right kind in this document.",
	"SP-S06": "This is not a date, or not a moment with seconds and offset.",
	"SP-S07": "The identifying number fails its check.",
	"SP-S08": "This member is not known in samordningsplan/1. It is kept, not interpreted.",
	"SP-S09": "The value breaks the pattern, the length, the range or the condition of this member.",
	"SP-S10": "The birth date differs from the one that the number tells. Check both.",
	"SP-S11": "There are more faults than these. Mend these and send the document again.",

	"SP-R01":  "The coordinator is not of an actor that is an authority. Name one of such an actor.",
	"SP-R01b": "A plan in this status has a coordinator. Name one.",
	"SP-R02":  "There is no consent that covers this status: to be called to a meeting, or to draw up the plan.",
	"SP-R02b": "This consent was withdrawn or has run out: what it shared is shared no longer. Given again, it has a later date.",
	"SP-R02c": "The call was sent before anybody consented to meeting.",
	"SP-R03":  "A plan in this status has a start, an evaluation and an end. Give the date.",
	"SP-R03b": "The dates are out of order: start, then evaluation, then end.",
	"SP-R04":  "The measure has nobody who answers for it. Name an actor, a representative or the person.",
	"SP-R05":  "Fewer than two actors still carry measures. Consider ending the plan.",
	"SP-R06":  "Only a case-management or LSS plan with a named coordinator stands in for this plan.",
	"SP-R06b": "Another plan stands in for this one: it cannot be running. Keep it as a draft or end it.",
	"SP-R06c": "One plan alone can stand in for this one.",
	"SP-R06d": "Another running plan stands in already for another plan of this person.",
	"SP-R07":  "The person does not take part: a representative must, and must have met the person's wishes before the meeting.",
	"SP-R08":  "The wish of the person was not followed. Say why.",
	"SP-R10":  "Name the principal that answers for the whole of the plan.",
	"SP-R10b": "No actor of this plan is of the principal that answers for it.",
	"SP-R11":  "A guardian gave no consent, and no reason is told.",
	"SP-R12":  "The measure serves no goal. Name one.",
	"SP-R13":  "A finished plan tells how it ended, and of each goal what came of it.",
	"SP-T01":  "A plan cannot come into this status from the one that it has.",
	"BP-R01":  "Name the one goal that matters most now.",
	"BP-R02":  "A child's plan has exactly one accepted person in charge at a time.",
	"BP-R03":  "The role of the person in charge does not fit the age of the child.",
	"BP-R04":  "The child was not heard. Add what it says.",
	"BP-R05":  "A measure that waits is named once, with until when and why; and one that is named waits.",
	"BP-R05b": "The day until which this measure waits has come. Take it up or set another day.",
	"BP-R06":  "This member or status belongs to the other kind of plan.",
}
