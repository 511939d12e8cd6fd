package decide

import ()

// Referral is the table of mks.md 5.1 [check with a lawyer: V2 to V7, V10]. Several outcomes at
// once are normal. Who decides or pays follows from the law: zvw the zorgverzekeraar, wlz the
// zorgkantoor, jw and wmo the gemeente, po the samenwerkingsverband. Read only.
var Referral = Table{
	{rule: "V0", when: []condition{{"vb.somatisch", "nee"}}, tell: "MKS-VB-13"},
	// A granted Wlz-indicatie takes the place of V2 to V8.
	{rule: "V1", when: []condition{{"vb.wlzIndicatie", "ja"}}, then: "wlz/alle"},
	// An advice: what else is needed holds until it is granted.
	{rule: "V2", when: []condition{{"vb.blijvend24u", "ja"}, {"vb.verstandelijk", "ja"}, {"vb.leeftijd", ">= 5"}},
		unless: "V1", then: "wlz/alle"},
	{rule: "V2b", when: []condition{{"vb.blijvend24u", "ja"}, {"vb.verstandelijk", "ja|onbekend"}, {"vb.leeftijd", "< 5"}},
		unless: "V1", tell: "MKS-VB-12"},
	{rule: "V3", when: []condition{{"vb.blijvend24u", "ja"}, {"vb.verstandelijk", "nee"}}, unless: "V1"},
	{rule: "V4", when: []condition{{"vb.handelingen", "ja"}}, unless: "V1", then: "zvw/verpleging"},
	{rule: "V5", when: []condition{{"vb.verzorgingGeneeskundig", "ja"}}, unless: "V1 V8", then: "zvw/verzorging"},
	{rule: "V6", when: []condition{{"vb.vkdv", "ja"}, {"vb.handelingen", "ja"}}, unless: "V1", then: "zvw/vkdv"},
	{rule: "V7", when: []condition{{"vb.adl", "ja"}, {"vb.verzorgingGeneeskundig", "nee"}}, unless: "V1", then: "jw/persoonlijke-verzorging"},
	{rule: "V7", when: []condition{{"vb.begeleiding", "ja"}}, unless: "V1", then: "jw/begeleiding"},
	{rule: "V7", when: []condition{{"vb.logeeropvang", "ja"}}, unless: "V1", then: "jw/logeeropvang"},
	{rule: "V7", when: []condition{{"vb.opvoeding", "ja"}}, unless: "V1", then: "jw/jeugdhulp"},
	// Outside MKS: nothing of the zvw, perhaps nothing at all.
	{rule: "V8", when: []condition{{"vb.verantwoordelijk", "huisarts"}, {"vb.handelingen", "nee"}}, unless: "V1"},
	{rule: "V9", when: []condition{{"vb.hulpmiddelWoning", "ja"}}, then: "wmo/hulpmiddel"},
	{rule: "V10", when: []condition{{"vb.vervoer", "ja"}}, then: "wmo/vervoer"},
	{rule: "V11", when: []condition{{"vb.onderwijs", "ja"}}, then: "po/onderwijsondersteuning"},
	{rule: "V12", when: []condition{{"vb.terminaal", "ja"}}, tell: "MKS-VB-14"},
}
