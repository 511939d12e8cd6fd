package back

import "github.com/drieluik/drieluik/fhir"

// child reads the record of mks.md 3.2.
func child(r *record) *node {
	p := r.anchor
	if r.several && !r.provenance.Exists() {
		r.warn("incomplete", ruleIncomplete, p, "Several source systems fill this Patient and the Provenance of this one's record is not in the Bundle; what they sent is not told apart.")
	}
	return object(
		m("naam", name(p)), m("geboortedatum", text(p.Member("birthDate"))), m("geslacht", sex(p)),
		m("meerling", flag(p.Member("multipleBirthBoolean"))),
		m("zwangerschapsduur", number(r.part("Observation", "mks-observatie", "zwangerschapsduur").At("valueQuantity", "value"))),
		m("overleden", day(p.Member("deceasedDateTime"))),
		m("taal", each(nodes(p, "communication"), language)),
		m("telefoon", telecom(p, "phone")), m("email", telecom(p, "email")),
		m("adres", each(nodes(p, "address"), r.address)), m("huisarts", gp(r.get(p.At("generalPractitioner")))),
		m("opvang", each(r.parts("Observation", "mks-observatie", "opvang-onderwijs"), r.school)),
		m("verzekering", each(r.parts("Coverage", "", ""), r.insurance)),
		m("gezag", r.custody()), m("ots", r.order()),
		m("betrokkenen", r.listed("RelatedPerson", "betrokkene", r.relatedPerson)),
		m("medewerkers", r.listed("PractitionerRole", "medewerker", r.employee)),
		m("organisaties", r.listed("Organization", "organisatie", organisation)),
		m("kindteam", r.team()),
	)
}

// rights reports whether the record may change rights-bearing facts: then they are those of the
// Patient, else only its own Provenance has them (mks.md 2.6).
func (r *record) rights() bool { return !r.several || !r.named || r.born }

// listed reads a list of the record: one item per local id.
func (r *record) listed(t fhir.Type, of string, read func(n fhir.Node, id string) *node) *node {
	var items []*node
	for _, n := range r.parts(t, "", "") {
		for i, id := range r.localIDs(n, of) {
			if i > 0 && !r.spend(n) {
				break
			}
			items = append(items, read(n, id))
		}
	}
	return list(items...)
}

// name reads the HumanNames of a person: the official one, and the usual one as roepnaam.
func name(n fhir.Node) *node {
	var official, usual fhir.Node
	for x := range n.All("name") {
		switch {
		case x.Member("use").Text() == "usual" && !usual.Exists():
			usual = x
		case !official.Exists():
			official = x
		}
	}
	own := func(name string) *node {
		return text(valueOf(firstOf(withURL(official.Member("_family"), hl7Structure+"humanname-"+name))))
	}
	last := own("own-name")
	if last == nil {
		last = text(official.Member("family"))
	}
	return object(
		m("voornamen", words(nodes(official, "given"))), m("roepnaam", text(first(usual.Member("given")))),
		m("voorvoegsel", own("own-prefix")), m("achternaam", last))
}

// first returns the first element of a list, and anything else as it is.
func first(n fhir.Node) fhir.Node {
	for x := range n.All() {
		return x
	}
	return fhir.Node{}
}

// sexes are the FHIR genders of geslacht. Read only.
var sexes = map[string]string{"M": "male", "V": "female", "O": "other", "UN": "unknown"}

func sex(p fhir.Node) *node { return inverse(sexes, p.Member("gender")) }

func language(c fhir.Node) *node { return text(c.At("language", "coding", "code")) }

// telecom reads the contact points of a system.
func telecom(n fhir.Node, system string) *node {
	var items []*node
	for t := range n.All("telecom") {
		if t.Member("system").Text() == system {
			items = append(items, text(t.Member("value")))
		}
	}
	return list(items...)
}

// phone reads the first telephone number.
func phone(n fhir.Node) *node {
	if all := telecom(n, "phone"); all != nil {
		return all.items[0]
	}
	return nil
}

// address reads an adres. The kind of one of another origin is what its use and type say.
func (r *record) address(a fhir.Node) *node {
	line := a.Member("_line")
	in := func(name string) fhir.Node {
		return valueOf(firstOf(withURL(first(line), hl7Structure+"iso21090-ADXP-"+name)))
	}
	kind := text(ext(a, "adres-soort"))
	if kind == nil {
		kind = str(addressKind(a))
	}
	return object(
		m("soort", kind), m("straat", text(in("streetName"))), m("huisnummer", wholeText(in("houseNumber"))),
		m("toevoeging", text(in("buildingNumberSuffix"))), m("postcode", text(a.Member("postalCode"))),
		m("plaats", text(a.Member("city"))), m("land", text(a.Member("country"))),
		m("vanaf", day(a.At("period", "start"))), m("tot", day(a.At("period", "end"))), m("bij", r.ref(ext(a, "adres-bij"))))
}

// addressKind is the adres-soort that use and type of an Address amount to.
func addressKind(a fhir.Node) string {
	switch {
	case a.Member("type").Text() == "postal":
		return "post"
	case a.Member("use").Text() == "temp":
		return "tijdelijk"
	}
	return "woon"
}

func gp(o fhir.Node) *node {
	return object(m("agb", text(identified(o, agbSystem))), m("naam", text(o.Member("name"))), m("telefoon", phone(o)))
}

func (r *record) school(o fhir.Node) *node {
	component := func(name string) fhir.Node {
		for c := range o.All("component") {
			if has(c.Member("code"), "mks-observatie", name) {
				return valueOf(c)
			}
		}
		return fhir.Node{}
	}
	return object(
		m("soort", code(o.Member("valueCodeableConcept"), "opvang-soort")), m("naam", text(component("opvang-naam"))),
		m("status", code(component("opvang-status"), "opvang-status")), m("reden", text(o.At("note", "text"))),
		m("organisatie", r.ref(first(o.Member("focus")))),
		m("vanaf", day(o.At("effectivePeriod", "start"))), m("tot", day(o.At("effectivePeriod", "end"))))
}

// insurance reads a Coverage and who pays it.
func (r *record) insurance(c fhir.Node) *node {
	law := code(c.Member("type"), "wettelijk-kader")
	if law == nil && codeNode(c.Member("type"), "urn:oid:2.16.840.1.113883.2.4.3.11.60.101.5.1").Text() == "B" {
		law = str("zvw")
	}
	payer := r.get(c.Member("payor"))
	return object(
		m("wet", law), m("uzovi", text(identified(payer, uzoviSystem))), m("naam", text(payer.Member("name"))),
		m("polisnummer", text(c.Member("subscriberId"))),
		m("vanaf", day(c.At("period", "start"))), m("tot", day(c.At("period", "end"))))
}

func (r *record) custody() *node {
	e := extension(r.anchor, "gezag")
	if !r.rights() {
		return nil
	}
	period := part(e, "period")
	return object(
		m("type", text(part(e, "type"))), m("houders", r.refs(partsOf(e, "houder"))), m("bron", text(part(e, "bron"))),
		m("gecontroleerdOp", day(part(e, "gecontroleerdOp"))),
		m("vanaf", day(period.Member("start"))), m("tot", day(period.Member("end"))))
}

func (r *record) order() *node {
	for _, c := range r.parts("Condition", "", "") {
		if codeNode(c.Member("code"), "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.2").Text() == "OTS" {
			return object(
				m("vanaf", day(c.Member("onsetDateTime"))), m("tot", day(c.Member("abatementDateTime"))),
				m("instelling", r.ref(ext(c, "ots-instelling"))), m("gezinsvoogd", r.ref(c.Member("asserter"))))
		}
	}
	return nil
}

func (r *record) relatedPerson(n fhir.Node, id string) *node {
	e := extension(n, "betrokkene")
	return object(
		m("id", str(id)), m("soort", text(part(e, "soort"))), m("bsn", text(identified(n, bsnSystem))), m("naam", name(n)),
		m("relatie", relation(n)), m("rollen", each(nodes(n, "relationship", "coding"), role)),
		m("telefoon", telecom(n, "phone")), m("email", telecom(n, "email")),
		m("woontBijKind", flag(part(e, "woontBijKind"))), m("mantelzorger", flag(part(e, "mantelzorger"))),
		m("organisatie", r.ref(part(e, "organisatie"))), m("tot", day(n.At("period", "end"))), m("afgeschermd", r.sealed(n)))
}

// relation reads relatie: a v3-RoleCode, or the null flavour of OTH.
func relation(n fhir.Node) *node {
	const v3 = "http://terminology.hl7.org/CodeSystem/"
	for c := range n.All("relationship", "coding") {
		if s := c.Member("system").Text(); s == v3+"v3-RoleCode" || s == v3+"v3-NullFlavor" {
			return text(c.Member("code"))
		}
	}
	return nil
}

// role reads one of rollen, nil for the relatie.
func role(c fhir.Node) *node {
	switch c.Member("system").Text() {
	case "urn:oid:2.16.840.1.113883.2.4.3.11.22.472", "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.1":
		return text(c.Member("code"))
	}
	return nil
}

func (r *record) sealed(n fhir.Node) *node {
	e := extension(n, "afscherming")
	if !r.rights() {
		return nil
	}
	return object(m("vanaf", day(part(e, "vanaf"))), m("reden", text(part(e, "reden"))))
}

// employee reads a PractitionerRole and the Practitioner behind it.
func (r *record) employee(n fhir.Node, id string) *node {
	who := r.get(n.Member("practitioner"))
	return object(
		m("id", str(id)), m("naam", name(who)), m("functie", code(n.Member("code"), "teamrol")),
		m("big", text(identified(who, bigSystem))),
		m("uziRol", text(codeNode(n.Member("specialty"), "http://fhir.nl/fhir/NamingSystem/uzi-rolcode"))),
		m("organisatie", r.ref(n.Member("organization"))), m("telefoon", telecom(n, "phone")))
}

func organisation(n fhir.Node, id string) *node {
	return object(
		m("id", str(id)), m("naam", text(n.Member("name"))), m("soort", code(n.Member("type"), "organisatie-soort")),
		m("ura", text(identified(n, uraSystem))), m("agb", text(identified(n, agbSystem))),
		m("type", text(codeNode(n.Member("type"), "http://nictiz.nl/fhir/NamingSystem/organization-type"))), m("telefoon", phone(n)))
}

// team reads the kindteam of this source.
func (r *record) team() *node {
	for _, n := range r.parts("CareTeam", "", "") {
		if r.foreign() || identified(n, r.base()+"/kindteam").Exists() {
			return object(
				m("naam", text(n.Member("name"))), m("aanspreekpunt24u", phone(n)),
				m("leden", each(nodes(n, "participant"), r.teamMember)))
		}
	}
	return nil
}

func (r *record) teamMember(p fhir.Node) *node {
	return object(
		m("ref", r.ref(p.Member("member"))), m("rol", code(p.Member("role"), "teamrol")),
		m("vanaf", day(p.At("period", "start"))), m("tot", day(p.At("period", "end"))))
}
