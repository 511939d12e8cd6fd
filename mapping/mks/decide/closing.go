package decide

import ()

// Closing is the table of mks.md 5.2. Read only.
var Closing = Table{
	{rule: "B1", when: []condition{{"bb.overleden", "ja"}}, then: "overleden"}, // and nothing else
	{rule: "B2", when: []condition{{"bb.wlz", "ja"}}, unless: "B1", then: "wlz"},
	{rule: "B3", when: []condition{{"bb.verpleging", "ja"}, {"bb.wlz", "nee"}, {"bb.voortzetting", "andere-aanbieder"}},
		unless: "B1", then: "andere-aanbieder"},
	{rule: "B3", when: []condition{{"bb.verpleging", "ja"}, {"bb.wlz", "nee"}, {"bb.voortzetting", "volwassenenzorg"}},
		unless: "B1", then: "volwassenenzorg"},
	{rule: "B3", when: []condition{{"bb.verpleging", "ja"}, {"bb.wlz", "nee"}, {"bb.voortzetting", "zelf"}}, unless: "B1"},
	{rule: "B4", when: []condition{{"bb.adl", "ja"}, {"bb.wlz", "nee"}}, unless: "B1 volwassenenzorg", then: "jeugdwet"},
	{rule: "B5", when: []condition{{"bb.andereBehoeften", "given"}}, unless: "B1", then: "disciplines"},
	// Family that goes on by itself needs no professional support.
	{rule: "B6", unless: "overleden wlz andere-aanbieder volwassenenzorg jeugdwet disciplines", then: "geen"},
}

// Requests are the outcomes that ask for care under another law, with who decides. Read only.
var Requests = map[string]struct{ Law, Part, By string }{
	"jeugdwet": {"jw", "persoonlijke-verzorging", "gemeente"},
	"wlz":      {"wlz", "alle", "zorgkantoor"},
}
