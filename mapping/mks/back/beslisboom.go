package back

// closing reads the record of mks.md 3.7: all of it stands in the answers.
func closing(r *record) *node {
	q := r.anchor
	return object(
		m("datum", day(q.Member("authored"))), m("ingevuldDoor", r.ref(q.Member("author"))),
		m("antwoorden", tree(q, "bb.leeftijd", "bb.overleden", "bb.verpleging", "bb.voortzetting", "bb.wlz", "bb.adl", "bb.andereBehoeften")),
		m("uitkomsten", each(answers(q, "bb.uitkomst"), answered)), m("afwijkingReden", answered(answer(q, "bb.afwijking"))),
		m("afgeslotenZorgplan", answered(answer(q, "bb.zorgplan"))), m("evaluatieAfsluitend", answered(answer(q, "bb.evaluatie"))),
		m("informeren", each(answers(q, "bb.informeren"), answered)), m("overdracht", answered(answer(q, "bb.overdracht"))),
	)
}
