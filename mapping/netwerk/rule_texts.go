package netwerk

import "github.com/drieluik/drieluik/mapping/form"

// moreFaults says that there is more than is told.
const moreFaults = "NW-MORE"

// dialect is what the format adds to the reading of a form.
var dialect = form.Dialect{
	Schema: Schema,
	Rules: form.Rules{
		Missing: "NW-S01", Shape: "NW-S02", Count: "NW-S09", Large: "NW-S09", Unknown: "NW-S08", More: moreFaults,
	},
	Texts: map[string]string{
		"NW-S01":   "A required member is missing or empty. Send it.",
		"NW-S02":   "The value has the wrong JSON type. Send it as the member table says.",
		"NW-S03":   "The code is not in the closed list of this member.",
		"NW-S04":   "The id, or the pair of members, stands here for the second time. Name each once.",
		"NW-S05":   "The reference names no member of leden.",
		"NW-S06":   "The date or time does not exist, or is not written in full. Send YYYY-MM-DD, and a time with seconds and offset.",
		"NW-S07":   "The BSN fails the 11-proef.",
		"NW-S09":   "The value breaks the pattern, range or condition of this member. Send it as the member table says.",
		"NW-R01":   "An agreement is accepted only after the helper was prepared. Say how, in voorbereiding.",
		"NW-R02":   "Nobody is named who decided. Name them in beslisser.",
		"NW-R03":   "This member does not want to be approached. Ask somebody else.",
		"NW-R03b":  "This member has withdrawn consent: the task is put on hold.",
		"NW-R04":   "This member carries much already. Propose the reserve.",
		"NW-R05":   "An agreement that holds is reviewed. Give the day in evaluatie.",
		"NW-R05b":  "The review lies on or before the start, or after the end of the network. Correct it.",
		"NW-R05c":  "The review is more than three months after the start.",
		"NW-R06":   "The reserve is the helper, does not want to be approached, or has withdrawn. Name another, or nobody.",
		"NW-R07":   "This member has said not to want to do this.",
		"NW-R07b":  "This member has not offered this. Ask before it is planned.",
		"NW-R08":   "On one of these days this member is not available.",
		"NW-R09":   "Care under instruction needs a professional or an organisation that instructs. Name them in instructieDoor.",
		"NW-R10":   "The network ends on or before the day it was drawn up. Correct one of the dates.",
		"NW-R10b":  "The network is meant to hold for more than a year.",
		"NW-R11":   "A tie of this helper is tense or broken. Talk about it first.",
		"NW-R13":   "From 12 to 15 years a guardian and the child both decide what a member sees. Name both in gegevenDoor.",
		"NW-R13b":  "Who decides at this age is not among the givers, or the birth date is not known: the consent opens nothing.",
		"NW-T01":   "An agreement cannot go to this status from the one that is stored.",
		moreFaults: "There are more faults than these. Mend these and send the record again.",
	},
	Codes: map[string]string{
		"NW-S01": "required", "NW-S02": "structure", "NW-S03": "code-invalid", "NW-S04": "duplicate", "NW-S05": "not-found",
		"NW-S06": "value", "NW-S07": "value", "NW-S08": "informational", "NW-S09": "value",
	},
}
