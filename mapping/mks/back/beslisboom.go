package back

import "github.com/drieluik/drieluik/mapping/rebuild"

// closing reads the record of mks.md 3.7: all of it stands in the answers.
func closing(r *record) *rebuild.Value {
	q := r.anchor
	return rebuild.Object(
		rebuild.M("datum", rebuild.Day(q.Member("authored"))), rebuild.M("ingevuldDoor", r.ref(q.Member("author"))),
		rebuild.M("antwoorden", tree(q, "bb.leeftijd", "bb.overleden", "bb.verpleging", "bb.voortzetting", "bb.wlz", "bb.adl", "bb.andereBehoeften")),
		rebuild.M("uitkomsten", rebuild.Each(rebuild.Answers(q, "bb.uitkomst"), answered)), rebuild.M("afwijkingReden", answered(rebuild.Answer(q, "bb.afwijking"))),
		rebuild.M("afgeslotenZorgplan", answered(rebuild.Answer(q, "bb.zorgplan"))), rebuild.M("evaluatieAfsluitend", answered(rebuild.Answer(q, "bb.evaluatie"))),
		rebuild.M("informeren", rebuild.Each(rebuild.Answers(q, "bb.informeren"), answered)), rebuild.M("overdracht", answered(rebuild.Answer(q, "bb.overdracht"))),
	)
}
