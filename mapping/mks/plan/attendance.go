package plan

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// attendance is what decides who must take part in an evaluation, or be told of it (EV-01, EV-02).
type attendance struct {
	soort       string // evaluatie-soort
	parent      bool   // a parent, guardian or foster parent takes part
	officer     bool   // the jeugdbeschermer takes part
	youth       bool   // the child takes part and is 16 or older
	coordinator bool   // a current zorgcoordinator takes part, or nobody can tell who that is
	informed    bool   // somebody told the parents
}

// parents are the betrokkene-soorten that speak for the child. Read only.
var parents = []string{"ouder", "voogd", "pleegouder"}

// add takes one participant in. current are the references of the current zorgcoordinators.
func (a *attendance) add(t tofhir.Target, current []string) {
	a.parent = a.parent || t.Kind == "bet" && slices.Contains(parents, t.Role)
	a.officer = a.officer || t.Kind == "med" && t.Role == "jeugdbeschermer"
	a.coordinator = a.coordinator || t.Kind == "med" && slices.Contains(current, t.Ref.String())
}

// absent reports whether nobody heard of a client-bespreking for the child (EV-01).
func (a attendance) absent() bool {
	return a.soort == "client-bespreking" && !a.parent && !a.youth && !a.informed
}

// incomplete reports whether an evaluation lacks who must be there (EV-02).
func (a attendance) incomplete() bool {
	spoken := a.parent || a.officer || a.youth
	return slices.Contains([]string{"evaluatie-ouders", "afsluitend"}, a.soort) && !(spoken && a.coordinator)
}

// isYouth reports whether a child that takes part is 16 on a day: a partial birth date counts as the
// youngest age that it may mean (access.md 2.2).
func isYouth(birth, on form.Day) bool { return birth != "" && form.Age(birth.Last(), on) >= 16 }

// checkAttendance holds EV-01 and EV-02. A withdrawal is never refused for who once took part, and
// before the child record nobody knows who is a parent.
func checkAttendance(m *tofhir.Mapper) error {
	in := m.Content()
	people := in.At("deelnemers")
	if !m.Child.Stored || m.Head.Status == "ingetrokken" || !in.At("datum").Sound() || !allTexts(people) {
		return nil
	}
	team, err := Kindteam(m)
	if err != nil {
		return err
	}
	facts, _, err := m.ToldFacts(m.CustodianFacts())
	if err != nil {
		return err
	}
	current := coordinators(tofhir.Found(team))
	a := attendance{soort: in.At("soort").Str(), coordinator: team == nil, informed: in.At("ouderGeinformeerdDoor").Present()}
	for _, v := range people.Items() {
		t := m.Targets[v.Node().Text()] // of the kinds that were resolved; a faulty one is nobody
		a.add(t, current)
		a.youth = a.youth || t.Kind == "kind" && isYouth(facts.Birth, in.At("datum").Day())
	}
	if a.absent() {
		m.Fail("MKS-EV-01", in.At("ouderGeinformeerdDoor"))
	}
	if a.incomplete() {
		m.Fail("MKS-EV-02", people)
	}
	return nil
}

// allTexts reports whether a value is a list of strings with an element.
func allTexts(list form.Value) bool {
	for _, v := range list.Items() {
		if v.Node().Shape() != fhir.String {
			return false
		}
	}
	return len(list.Items()) > 0
}

// SettleEvaluation holds EV-01 and EV-02 for an evaluation that waited for its child, by the lists of
// this child record. It returns the rules that are broken.
func SettleEvaluation(m *tofhir.Mapper, e fhir.Node) ([]string, error) {
	record, void := BronRecordOf(e), e.Member("status").Text() == "entered-in-error"
	if void || tofhir.Part(record, "recordType").Text() != "evaluatie" {
		return nil, nil
	}
	people := map[string]tofhir.Target{}
	for _, t := range m.Own {
		people[t.Ref.String()] = t
	}
	current, team := OwnCoordinators(m)
	a := attendance{soort: tofhir.CodeIn(e, "type", "evaluatie-soort"), coordinator: !team}
	for who := range e.All("participant", "individual", "reference") {
		a.add(people[who.Text()], current)
	}
	birth := m.Child.Birth
	if m.Rights {
		birth = m.Content().At("geboortedatum").Day()
	}
	a.youth = tofhir.Extension(e, "deelnemer-kind").Text() == "true" && isYouth(birth, form.Day(e.At("period", "start").Text()))
	var err error
	if a.informed, err = wereInformed(m, e.Resource().Ref(), tofhir.Part(record, "recordId").Text()); err != nil {
		return nil, err
	}
	var broken []string
	if a.absent() {
		broken = append(broken, "MKS-EV-01")
	}
	if a.incomplete() {
		broken = append(broken, "MKS-EV-02")
	}
	return broken, nil
}

// OwnCoordinators returns the references of the current zorgcoordinators of this child record, and
// whether it has a team.
func OwnCoordinators(m *tofhir.Mapper) (current []string, team bool) {
	members := m.Content().At("kindteam").At("leden").Items()
	for _, v := range members {
		if v.At("rol").Str() == "zorgcoordinator" && !v.At("tot").Present() {
			current = append(current, m.Target(v.At("ref")).Ref.String())
		}
	}
	return current, len(members) > 0
}

// wereInformed reports whether an evaluation has the Communication that tells the parents of it.
func wereInformed(m *tofhir.Mapper, encounter fhir.Ref, record string) (bool, error) {
	path := "Encounter/" + m.Head.Source() + "/evaluatie/" + record
	if mapping.ID(path) != encounter.ID {
		path += "/concept"
	}
	hit, err := m.Known.Read(fhir.Ref{Type: "Communication", ID: mapping.ID(path + "/ouders")})
	if err != nil {
		return false, fmt.Errorf("mks.wereInformed: %w", err)
	}
	return hit != nil && !tofhir.Void(tofhir.Found(hit)), nil
}

// BronRecordOf returns the extension bron-record of an anchor, a missing node without one.
func BronRecordOf(n fhir.Node) fhir.Node {
	for e := range n.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("bron-record") {
			return e
		}
	}
	return fhir.Node{}
}
