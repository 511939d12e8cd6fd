package back

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// child reads the record of mks.md 3.2.
func child(r *record) *rebuild.Value {
	p := r.anchor
	if r.several && !r.provenance.Exists() {
		r.Warn("incomplete", ruleIncomplete, p, "Several source systems fill this Patient and the Provenance of this one's record is not in the Bundle; what they sent is not told apart.")
	}
	return rebuild.Object(
		rebuild.M("naam", name(p)), rebuild.M("geboortedatum", rebuild.Text(p.Member("birthDate"))), rebuild.M("geslacht", sex(p)),
		rebuild.M("meerling", rebuild.Flag(p.Member("multipleBirthBoolean"))),
		rebuild.M("zwangerschapsduur", rebuild.Number(r.part("Observation", "mks-observatie", "zwangerschapsduur").At("valueQuantity", "value"))),
		rebuild.M("overleden", rebuild.Day(p.Member("deceasedDateTime"))),
		rebuild.M("taal", rebuild.Each(rebuild.Nodes(p, "communication"), language)),
		rebuild.M("telefoon", telecom(p, "phone")), rebuild.M("email", telecom(p, "email")),
		rebuild.M("adres", rebuild.Each(rebuild.Nodes(p, "address"), r.address)), rebuild.M("huisarts", gp(r.Get(p.At("generalPractitioner")))),
		rebuild.M("opvang", rebuild.Each(r.parts("Observation", "mks-observatie", "opvang-onderwijs"), r.school)),
		rebuild.M("verzekering", rebuild.Each(r.parts("Coverage", "", ""), r.insurance)),
		rebuild.M("gezag", r.custody()), rebuild.M("ots", r.order()),
		rebuild.M("betrokkenen", r.listed("RelatedPerson", "betrokkene", r.relatedPerson)),
		rebuild.M("medewerkers", r.listed("PractitionerRole", "medewerker", r.employee)),
		rebuild.M("organisaties", r.listed("Organization", "organisatie", organisation)),
		rebuild.M("kindteam", r.team()),
	)
}

// rights reports whether the record may change rights-bearing facts: then they are those of the
// Patient, else only its own Provenance has them (mks.md 2.6).
func (r *record) rights() bool { return !r.several || !r.named || r.born }

// listed reads a list of the record: one item per local id.
func (r *record) listed(t fhir.Type, of string, read func(n fhir.Node, id string) *rebuild.Value) *rebuild.Value {
	var items []*rebuild.Value
	for _, n := range r.parts(t, "", "") {
		for i, id := range r.localIDs(n, of) {
			if i > 0 && !r.Spend(n) {
				break
			}
			items = append(items, read(n, id))
		}
	}
	return rebuild.List(items...)
}

// name reads the HumanNames of a person: the official one, and the usual one as roepnaam.
func name(n fhir.Node) *rebuild.Value {
	var official, usual fhir.Node
	for x := range n.All("name") {
		switch {
		case x.Member("use").Text() == "usual" && !usual.Exists():
			usual = x
		case !official.Exists():
			official = x
		}
	}
	own := func(name string) *rebuild.Value {
		return rebuild.Text(rebuild.ValueOf(rebuild.FirstOf(rebuild.WithURL(official.Member("_family"), hl7Structure+"humanname-"+name))))
	}
	last := own("own-name")
	if last == nil {
		last = rebuild.Text(official.Member("family"))
	}
	return rebuild.Object(
		rebuild.M("voornamen", rebuild.Words(rebuild.Nodes(official, "given"))), rebuild.M("roepnaam", rebuild.Text(rebuild.First(usual.Member("given")))),
		rebuild.M("voorvoegsel", own("own-prefix")), rebuild.M("achternaam", last))
}

// sexes are the FHIR genders of geslacht. Read only.
var sexes = map[string]string{"M": "male", "V": "female", "O": "other", "UN": "unknown"}

func sex(p fhir.Node) *rebuild.Value { return rebuild.Inverse(sexes, p.Member("gender")) }

func language(c fhir.Node) *rebuild.Value { return rebuild.Text(c.At("language", "coding", "code")) }

// telecom reads the contact points of a system.
func telecom(n fhir.Node, system string) *rebuild.Value {
	var items []*rebuild.Value
	for t := range n.All("telecom") {
		if t.Member("system").Text() == system {
			items = append(items, rebuild.Text(t.Member("value")))
		}
	}
	return rebuild.List(items...)
}

// phone reads the first telephone number.
func phone(n fhir.Node) *rebuild.Value {
	if all := telecom(n, "phone"); all != nil {
		return all.Items()[0]
	}
	return nil
}

// address reads an adres. The kind of one of another origin is what its use and type say.
func (r *record) address(a fhir.Node) *rebuild.Value {
	line := a.Member("_line")
	in := func(name string) fhir.Node {
		return rebuild.ValueOf(rebuild.FirstOf(rebuild.WithURL(rebuild.First(line), hl7Structure+"iso21090-ADXP-"+name)))
	}
	kind := rebuild.Text(rebuild.Ext(a, "adres-soort"))
	if kind == nil {
		kind = rebuild.String(addressKind(a))
	}
	return rebuild.Object(
		rebuild.M("soort", kind), rebuild.M("straat", rebuild.Text(in("streetName"))), rebuild.M("huisnummer", rebuild.Whole(in("houseNumber").Text())),
		rebuild.M("toevoeging", rebuild.Text(in("buildingNumberSuffix"))), rebuild.M("postcode", rebuild.Text(a.Member("postalCode"))),
		rebuild.M("plaats", rebuild.Text(a.Member("city"))), rebuild.M("land", rebuild.Text(a.Member("country"))),
		rebuild.M("vanaf", rebuild.Day(a.At("period", "start"))), rebuild.M("tot", rebuild.Day(a.At("period", "end"))), rebuild.M("bij", r.ref(rebuild.Ext(a, "adres-bij"))))
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

func gp(o fhir.Node) *rebuild.Value {
	return rebuild.Object(rebuild.M("agb", rebuild.Text(rebuild.Identified(o, agbSystem))), rebuild.M("naam", rebuild.Text(o.Member("name"))), rebuild.M("telefoon", phone(o)))
}

func (r *record) school(o fhir.Node) *rebuild.Value {
	component := func(name string) fhir.Node {
		for c := range o.All("component") {
			if rebuild.Has(c.Member("code"), "mks-observatie", name) {
				return rebuild.ValueOf(c)
			}
		}
		return fhir.Node{}
	}
	return rebuild.Object(
		rebuild.M("soort", rebuild.Code(o.Member("valueCodeableConcept"), "opvang-soort")), rebuild.M("naam", rebuild.Text(component("opvang-naam"))),
		rebuild.M("status", rebuild.Code(component("opvang-status"), "opvang-status")), rebuild.M("reden", rebuild.Text(o.At("note", "text"))),
		rebuild.M("organisatie", r.ref(rebuild.First(o.Member("focus")))),
		rebuild.M("vanaf", rebuild.Day(o.At("effectivePeriod", "start"))), rebuild.M("tot", rebuild.Day(o.At("effectivePeriod", "end"))))
}

// insurance reads a Coverage and who pays it.
func (r *record) insurance(c fhir.Node) *rebuild.Value {
	law := rebuild.Code(c.Member("type"), "wettelijk-kader")
	if law == nil && rebuild.CodeIn(c.Member("type"), "urn:oid:2.16.840.1.113883.2.4.3.11.60.101.5.1").Text() == "B" {
		law = rebuild.String("zvw")
	}
	payer := r.Get(c.Member("payor"))
	return rebuild.Object(
		rebuild.M("wet", law), rebuild.M("uzovi", rebuild.Text(rebuild.Identified(payer, uzoviSystem))), rebuild.M("naam", rebuild.Text(payer.Member("name"))),
		rebuild.M("polisnummer", rebuild.Text(c.Member("subscriberId"))),
		rebuild.M("vanaf", rebuild.Day(c.At("period", "start"))), rebuild.M("tot", rebuild.Day(c.At("period", "end"))))
}

func (r *record) custody() *rebuild.Value {
	e := rebuild.Extension(r.anchor, "gezag")
	if !r.rights() {
		return nil
	}
	period := rebuild.Part(e, "period")
	return rebuild.Object(
		rebuild.M("type", rebuild.Text(rebuild.Part(e, "type"))), rebuild.M("houders", r.refs(rebuild.Parts(e, "houder"))), rebuild.M("bron", rebuild.Text(rebuild.Part(e, "bron"))),
		rebuild.M("gecontroleerdOp", rebuild.Day(rebuild.Part(e, "gecontroleerdOp"))),
		rebuild.M("vanaf", rebuild.Day(period.Member("start"))), rebuild.M("tot", rebuild.Day(period.Member("end"))))
}

func (r *record) order() *rebuild.Value {
	for _, c := range r.parts("Condition", "", "") {
		if rebuild.CodeIn(c.Member("code"), "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.2").Text() == "OTS" {
			return rebuild.Object(
				rebuild.M("vanaf", rebuild.Day(c.Member("onsetDateTime"))), rebuild.M("tot", rebuild.Day(c.Member("abatementDateTime"))),
				rebuild.M("instelling", r.ref(rebuild.Ext(c, "ots-instelling"))), rebuild.M("gezinsvoogd", r.ref(c.Member("asserter"))))
		}
	}
	return nil
}

func (r *record) relatedPerson(n fhir.Node, id string) *rebuild.Value {
	e := rebuild.Extension(n, "betrokkene")
	return rebuild.Object(
		rebuild.M("id", rebuild.String(id)), rebuild.M("soort", rebuild.Text(rebuild.Part(e, "soort"))), rebuild.M("bsn", rebuild.Text(rebuild.Identified(n, bsnSystem))), rebuild.M("naam", name(n)),
		rebuild.M("relatie", relation(n)), rebuild.M("rollen", rebuild.Each(rebuild.Nodes(n, "relationship", "coding"), role)),
		rebuild.M("telefoon", telecom(n, "phone")), rebuild.M("email", telecom(n, "email")),
		rebuild.M("woontBijKind", rebuild.Flag(rebuild.Part(e, "woontBijKind"))), rebuild.M("mantelzorger", rebuild.Flag(rebuild.Part(e, "mantelzorger"))),
		rebuild.M("organisatie", r.ref(rebuild.Part(e, "organisatie"))), rebuild.M("tot", rebuild.Day(n.At("period", "end"))), rebuild.M("afgeschermd", r.sealed(n)))
}

// relation reads relatie: a v3-RoleCode, or the null flavour of OTH.
func relation(n fhir.Node) *rebuild.Value {
	const v3 = "http://terminology.hl7.org/CodeSystem/"
	for c := range n.All("relationship", "coding") {
		if s := c.Member("system").Text(); s == v3+"v3-RoleCode" || s == v3+"v3-NullFlavor" {
			return rebuild.Text(c.Member("code"))
		}
	}
	return nil
}

// role reads one of rollen, nil for the relatie.
func role(c fhir.Node) *rebuild.Value {
	switch c.Member("system").Text() {
	case "urn:oid:2.16.840.1.113883.2.4.3.11.22.472", "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.23.1":
		return rebuild.Text(c.Member("code"))
	}
	return nil
}

func (r *record) sealed(n fhir.Node) *rebuild.Value {
	e := rebuild.Extension(n, "afscherming")
	if !r.rights() {
		return nil
	}
	return rebuild.Object(rebuild.M("vanaf", rebuild.Day(rebuild.Part(e, "vanaf"))), rebuild.M("reden", rebuild.Text(rebuild.Part(e, "reden"))))
}

// employee reads a PractitionerRole and the Practitioner behind it.
func (r *record) employee(n fhir.Node, id string) *rebuild.Value {
	who := r.Get(n.Member("practitioner"))
	return rebuild.Object(
		rebuild.M("id", rebuild.String(id)), rebuild.M("naam", name(who)), rebuild.M("functie", rebuild.Code(n.Member("code"), "teamrol")),
		rebuild.M("big", rebuild.Text(rebuild.Identified(who, bigSystem))),
		rebuild.M("uziRol", rebuild.Text(rebuild.CodeIn(n.Member("specialty"), "http://fhir.nl/fhir/NamingSystem/uzi-rolcode"))),
		rebuild.M("organisatie", r.ref(n.Member("organization"))), rebuild.M("telefoon", telecom(n, "phone")))
}

func organisation(n fhir.Node, id string) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("id", rebuild.String(id)), rebuild.M("naam", rebuild.Text(n.Member("name"))), rebuild.M("soort", rebuild.Code(n.Member("type"), "organisatie-soort")),
		rebuild.M("ura", rebuild.Text(rebuild.Identified(n, uraSystem))), rebuild.M("agb", rebuild.Text(rebuild.Identified(n, agbSystem))),
		rebuild.M("type", rebuild.Text(rebuild.CodeIn(n.Member("type"), "http://nictiz.nl/fhir/NamingSystem/organization-type"))), rebuild.M("telefoon", phone(n)))
}

// team reads the kindteam of this source.
func (r *record) team() *rebuild.Value {
	for _, n := range r.parts("CareTeam", "", "") {
		if r.foreign() || rebuild.Identified(n, r.base()+"/kindteam").Exists() {
			return rebuild.Object(
				rebuild.M("naam", rebuild.Text(n.Member("name"))), rebuild.M("aanspreekpunt24u", phone(n)),
				rebuild.M("leden", rebuild.Each(rebuild.Nodes(n, "participant"), r.teamMember)))
		}
	}
	return nil
}

func (r *record) teamMember(p fhir.Node) *rebuild.Value {
	return rebuild.Object(
		rebuild.M("ref", r.ref(p.Member("member"))), rebuild.M("rol", rebuild.Code(p.Member("role"), "teamrol")),
		rebuild.M("vanaf", rebuild.Day(p.At("period", "start"))), rebuild.M("tot", rebuild.Day(p.At("period", "end"))))
}
