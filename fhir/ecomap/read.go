package ecomap

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/drieluik/drieluik/fhir"
)

// Systems and extensions of network.md 3.
const (
	kindSystem   = fhir.Canonical + "/CodeSystem/netwerk-soort"
	teamSystem   = fhir.Canonical + "/CodeSystem/careteam-soort"
	recordSystem = fhir.Canonical + "/sid/netwerk/"
	extension    = fhir.Canonical + "/StructureDefinition/netwerk-"
)

// MaxMembers is how many members one picture shows.
const MaxMembers = 500

// Is reports whether a CareTeam is the network of a child.
func Is(team *fhir.Resource) bool {
	return team.Type() == "CareTeam" && coded(team.Root().Member("category"), teamSystem) == "netwerk"
}

// Found is a resource that a network refers to. The zero Found is one that is not there.
type Found struct {
	Stored *fhir.Resource // its id in the record says where it stands, whoever looks
	Shown  *fhir.Resource // as the reader may see it; nil: not at all
}

// Read reads a network: its CareTeam, and what find gives of the child and the members. A participant
// without a kind of netwerk-soort is no member of it. It passes on the errors of find, and answers
// Unprocessable for a CareTeam that is no network or has more than MaxMembers.
func Read(team *fhir.Resource, find func(fhir.Ref) (Found, error)) (Network, error) {
	const op = "ecomap.Read"
	if !Is(team) {
		return Network{}, fhir.Errorf(fhir.Unprocessable, op, "business-rule", "ecomap-network",
			"This CareTeam is no social network; one has the category netwerk of careteam-soort.")
	}
	root := team.Root()
	n := Network{Date: root.At("period", "start").Text()}
	child, err := find(refOf(root.Member("subject")))
	if err != nil {
		return Network{}, err
	}
	n.Child = nameOf(child.Shown)
	for p := range root.All("participant") {
		m, ok := readMember(p)
		if !ok {
			continue
		}
		if len(n.Members) == MaxMembers {
			return Network{}, fhir.Errorf(fhir.Unprocessable, op, "too-costly", "ecomap-size", "A picture shows at most %d members.", MaxMembers)
		}
		found, err := find(m.Ref)
		if err != nil {
			return Network{}, err
		}
		m.identify(found, p.Member("member"))
		n.Members = append(n.Members, m)
	}
	slices.SortStableFunc(n.Members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(kindAt(a.Kind), kindAt(b.Kind)), strings.Compare(a.ID, b.ID))
	})
	n.readTies(root)
	return n, nil
}

// readMember reads what the CareTeam itself says of a member.
func readMember(p fhir.Node) (Member, bool) {
	m := Member{Ref: refOf(p.Member("member")), Kind: coded(p.Member("role"), kindSystem), Circle: len(circles)}
	if kindAt(m.Kind) < 0 {
		return m, false
	}
	for ext := range p.All("extension") {
		switch name, _ := strings.CutPrefix(ext.Member("url").Text(), extension); name {
		case "kring":
			if c, err := strconv.Atoi(ext.Member("valueInteger").Text()); err == nil && c >= 1 && c <= len(circles) {
				m.Circle = c
			}
		case "sterkte":
			if code := ext.Member("valueCode").Text(); strokes[code] != nil {
				m.Strength = code
			}
		case "richting":
			if code := ext.Member("valueCode").Text(); arrows[code] != (arrow{}) {
				m.Direction = code
			}
		case "aanbod":
			m.Offers = append(m.Offers, plain(ext.Member("valueCode").Text()))
		}
	}
	return m, true
}

// LoadIn is what an Observation of netwerk-meting#belasting says of a member, as Member.Load; 0 for nothing that
// can be shown.
func LoadIn(observation *fhir.Resource) int {
	step, err := strconv.Atoi(observation.Root().Member("valueInteger").Text())
	if err != nil || step < 0 || step > steps {
		return 0
	}
	return step + 1
}

// identify takes the id of the member in its record, and its name: from the reference, where an organisation
// that others keep stands in the record, else from the resource.
func (m *Member) identify(f Found, by fhir.Node) {
	m.ID = m.Ref.ID
	if f.Stored != nil {
		for id := range f.Stored.Root().All("identifier") {
			m.known(id)
		}
	}
	m.known(by.Member("identifier"))
	if m.Name = nameOf(f.Shown); f.Shown != nil && by.Member("display").Exists() {
		m.Name = plain(by.Member("display").Text())
	}
}

// known takes the id of a member from an identifier of its record.
func (m *Member) known(id fhir.Node) {
	_, key, found := strings.Cut(id.Member("value").Text(), "#")
	if found && fhir.ValidID(key) && strings.HasPrefix(id.Member("system").Text(), recordSystem) {
		m.ID = key
	}
}

// readTies reads the ties between members. One that leads to nobody in the picture is left out.
func (n *Network) readTies(root fhir.Node) {
	places := make(map[fhir.Ref]int, len(n.Members))
	for i, m := range n.Members {
		places[m.Ref] = i
	}
	for ext := range root.All("extension") {
		if ext.Member("url").Text() != extension+"onderling" {
			continue
		}
		ends := map[string]fhir.Ref{}
		strength := ""
		for part := range ext.All("extension") {
			ends[part.Member("url").Text()] = refOf(part.Member("valueReference"))
			strength += part.Member("valueCode").Text()
		}
		a, knownA := places[ends["a"]]
		b, knownB := places[ends["b"]]
		if knownA && knownB && strokes[strength] != nil {
			n.Ties = append(n.Ties, Tie{a, b, strength})
		}
	}
}

// refOf reads a Reference.
func refOf(n fhir.Node) fhir.Ref {
	ref, _ := fhir.ParseRef(n.Member("reference").Text())
	return ref.Current()
}

// coded returns the first code of a system in CodeableConcepts.
func coded(concepts fhir.Node, system string) string {
	for c := range concepts.All("coding") {
		if c.Member("system").Text() == system {
			return c.Member("code").Text()
		}
	}
	return ""
}

// nameOf returns the name of a person or an organisation, "" for none.
func nameOf(r *fhir.Resource) string {
	if r == nil {
		return ""
	}
	name := r.Root().Member("name")
	if name.Shape() == fhir.String {
		return plain(name.Text())
	}
	for one := range name.All() {
		if text := plain(one.Member("text").Text()); text != "" {
			return text
		}
		var parts []string
		for given := range one.All("given") {
			parts = append(parts, given.Text())
		}
		if text := plain(strings.Join(append(parts, one.Member("family").Text()), " ")); text != "" {
			return text
		}
	}
	return ""
}

// maxName is how many letters of a name are shown: a name costs whoever draws it the square of its length.
const maxName = 200

// plain returns a text as it can stand in a line: without what XML does not take or what turns the line round.
func plain(s string) string {
	text := []rune(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r >= 0xFFFE && r <= 0xFFFF:
			return -1
		}
		return r
	}, s)), " "))
	if len(text) > maxName {
		return string(text[:maxName]) + "…"
	}
	return string(text)
}
