package workflow

import (
	"slices"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// Domain is what a file holds and lacks in one domain of the child's life (mks.md 7.2).
type Domain struct {
	Code    string // of mks-domein
	Present []Words
	Missing []Missing
	Hidden  int // items of which nothing is said: the domain is not shared
}

// Missing is what a file lacks, and who has to see to it.
type Missing struct{ What, Who Words }

// item is a row of the completeness report.
type item struct {
	domain    string
	what, who Words
	kind      fhir.Type // what it is looked for in: who may not see that, is told nothing
	handed    bool      // a transfer brings it: with one, it is looked for in that one
	baby      bool      // under one year alone
	holds     func(*file) bool
}

// Domains of a child's life, in the order of the report.
var domains = [...]string{"medisch", "veiligheid", "sociaal", "ontwikkeling"}

// items are the rows of mks.md 7.2.
var items = []item{
	{domain: "medisch", what: dutch("diagnoses", "diagnoses"), kind: "Condition", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("Condition", func(n fhir.Node) bool {
			return coded(n, categorySystem, "medische-diagnose", "category", "coding") || f.entered(n, "52870002")
		})
	}},
	{domain: "medisch", what: dutch("allergies, or that none are known", "allergieën, of dat er geen bekend zijn"), kind: "AllergyIntolerance", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("AllergyIntolerance", sound) || f.nilKnown("420134006")
	}},
	{domain: "medisch", what: dutch("alerts, or that none are known", "alerts, of dat er geen bekend zijn"), kind: "Flag", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("Flag", isActive) || f.nilKnown("308813009")
	}},
	{domain: "medisch", what: dutch("feeding", "voeding"), kind: "NutritionOrder", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("NutritionOrder", isActive)
	}},
	{domain: "medisch", what: dutch("devices", "hulpmiddelen"), kind: "DeviceUseStatement", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("DeviceUseStatement", isActive)
	}},
	{domain: "medisch", what: dutch("measurements of the last 7 days", "metingen van de laatste 7 dagen"), kind: "Observation", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("Observation", f.measured)
	}},
	{domain: "medisch", what: dutch("active care plan", "actief zorgplan"), kind: "CarePlan", who: coordinator, holds: func(f *file) bool {
		return f.all.some("CarePlan", func(n fhir.Node) bool {
			return isActive(n) && coded(n, categorySystem, "zorgplan", "category", "coding")
		})
	}},
	{domain: "veiligheid", what: dutch("emergency plan (noodplan)", "noodplan"), kind: "CarePlan", who: coordinator, holds: func(f *file) bool {
		return f.all.some("CarePlan", func(n fhir.Node) bool {
			return isActive(n) && coded(n, fhir.Canonical+"/CodeSystem/plan-soort", "noodplan", "category", "coding")
		})
	}},
	{domain: "veiligheid", what: dutch("trained parents", "getrainde ouders"), kind: "QuestionnaireResponse", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.some("QuestionnaireResponse", func(n fhir.Node) bool {
			e := evidence{form: n}
			return slices.ContainsFunc(e.trainings(), competent)
		})
	}},
	{domain: "veiligheid", what: dutch("living situation (woonsituatie)", "woonsituatie"), kind: "Observation", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.observed(snomed, "365508006")
	}},
	{domain: "veiligheid", what: dutch("custody (gezag) checked in the last 180 days", "gezag gecontroleerd in de laatste 180 dagen"), kind: "CarePlan", who: coordinator, holds: (*file).custodyChecked},
	{domain: "sociaal", what: dutch("family situation (gezinssituatie)", "gezinssituatie"), kind: "Observation", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.observed(fhir.Canonical+"/CodeSystem/mks-observatie", "gezinssituatie-kind")
	}},
	{domain: "sociaal", what: dutch("first contact person (role 01)", "eerste contactpersoon (rol 01)"), kind: "RelatedPerson", who: parent, holds: func(f *file) bool {
		return f.all.some("RelatedPerson", func(n fhir.Node) bool {
			return n.Member("active").Text() != "false" && coded(n, contactRoles, "01", "relationship", "coding")
		})
	}},
	{domain: "sociaal", what: dutch("scan item draagkracht discussed", "scanitem draagkracht besproken"), kind: "QuestionnaireResponse", who: coordinator, holds: discussed("hbs.soc.draagkracht")},
	{domain: "sociaal", what: dutch("scan item respijt discussed", "scanitem respijt besproken"), kind: "QuestionnaireResponse", who: coordinator, holds: discussed("hbs.soc.respijt")},
	{domain: "ontwikkeling", what: dutch("day care or school (opvang)", "opvang of school"), kind: "Observation", who: parent, holds: func(f *file) bool {
		return f.all.observed(fhir.Canonical+"/CodeSystem/mks-observatie", "opvang-onderwijs")
	}},
	{domain: "ontwikkeling", what: dutch("development", "ontwikkeling"), kind: "Observation", who: sendingNurse, handed: true, holds: func(f *file) bool {
		return f.sent.observed(snomed, "251803000")
	}},
	{domain: "ontwikkeling", what: dutch("feeding pattern of a baby", "voedingspatroon van een baby"), kind: "NutritionOrder", who: sendingNurse, handed: true, baby: true, holds: func(f *file) bool {
		return f.sent.some("NutritionOrder", func(n fhir.Node) bool {
			return isActive(n) && (n.At("enteralFormula", "administration", "schedule").Exists() || n.At("oralDiet", "schedule").Exists() || n.Member("note").Exists())
		})
	}},
	{domain: "ontwikkeling", what: dutch("scan item spel discussed", "scanitem spel besproken"), kind: "QuestionnaireResponse", who: coordinator, holds: discussed("hbs.ont.spel")},
	{domain: "ontwikkeling", what: dutch("scan item onderwijs discussed", "scanitem onderwijs besproken"), kind: "QuestionnaireResponse", who: coordinator, holds: discussed("hbs.ont.onderwijs")},
}

// contactRoles are the roles of contact persons (list COD472).
const contactRoles = "urn:oid:2.16.840.1.113883.2.4.3.11.22.472"

// fileTypes are what the items look at.
var fileTypes = []fhir.Type{
	"AllergyIntolerance", "CarePlan", "Composition", "Condition", "DeviceUseStatement", "Flag", "NutritionOrder",
	"Observation", "QuestionnaireResponse", "RelatedPerson",
}

// Complete reports what the file of a child holds and lacks, as far as k shows it. With a transfer, what
// a transfer brings is looked for in that one. Of what is not shared the report says nothing, whether it
// is there or not.
func Complete(k Known, patient *fhir.Resource, t *Transfer, now time.Time, shared Shared) ([]Domain, error) {
	const op = "workflow.Complete"
	f, err := readFile(k, patient, t, now)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	out := make([]Domain, len(domains))
	for i, code := range domains {
		out[i].Code = code
		for _, it := range items {
			if it.domain != code || it.baby && !f.baby() {
				continue
			}
			if err := out[i].add(it, it.holds(f), it.handed && t != nil, shared); err != nil {
				return nil, fhir.Wrap(op, err)
			}
		}
	}
	return out, nil
}

// Shared tells whether resources of a type and domain are open to the reader: of the child's file, or of
// the transfer that is asked about.
type Shared func(domain string, kind fhir.Type, transfer bool) (bool, error)

// add puts an item into the report.
func (d *Domain) add(it item, present, transfer bool, shared Shared) error {
	if present {
		d.Present = append(d.Present, it.what)
		return nil
	}
	open, err := shared(it.domain, it.kind, transfer)
	if open {
		d.Missing = append(d.Missing, Missing{it.what, it.who})
	} else {
		d.Hidden++
	}
	return err
}

// nodes are resources by their type.
type nodes map[fhir.Type][]fhir.Node

func (m nodes) some(t fhir.Type, holds func(fhir.Node) bool) bool {
	return slices.ContainsFunc(m[t], func(n fhir.Node) bool { return !void(n) && holds(n) })
}

// observed reports whether there is an Observation with the code.
func (m nodes) observed(system, code string) bool {
	return m.some("Observation", func(n fhir.Node) bool { return coded(n, system, code, "code", "coding") })
}

// void reports whether a resource says that it was never so.
func void(n fhir.Node) bool {
	return n.Member("status").Text() == mistaken || n.At("verificationStatus", "coding", "code").Text() == mistaken
}

func sound(fhir.Node) bool { return true }

func isActive(n fhir.Node) bool { return n.Member("status").Text() == "active" }

// file is what is seen of a child.
type file struct {
	patient fhir.Node
	all     nodes
	sent    nodes       // what the transfer carries; all, where none is asked about
	papers  []fhir.Node // the transfer documents that count
	scan    fhir.Node   // the newest scan that is complete
	now     time.Time
}

func readFile(k Known, patient *fhir.Resource, t *Transfer, now time.Time) (*file, error) {
	f := &file{patient: patient.Root(), all: nodes{}, now: now}
	found, err := k.Child(patient.Ref(), fileTypes...)
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		n := one.Resource.Root()
		f.all[one.Resource.Type()] = append(f.all[one.Resource.Type()], n)
		if isScan(one.Resource) && (!f.scan.Exists() || n.Member("authored").Text() > f.scan.Member("authored").Text()) {
			f.scan = n
		}
	}
	f.sent = f.all
	if t == nil {
		for _, n := range f.all["Composition"] {
			if !void(n) && coded(n, snomed, "11171000146100", "type", "coding") {
				f.papers = append(f.papers, n)
			}
		}
		return f, nil
	}
	if t.document != nil {
		f.papers = []fhir.Node{t.document.Resource.Root()}
	}
	f.sent = f.carried(t)
	return f, nil
}

// isScan reports whether a QuestionnaireResponse is a scan of needs that is complete.
func isScan(r *fhir.Resource) bool {
	const form = fhir.Canonical + "/Questionnaire/mks-hulpbehoeftescan"
	return r.Type() == "QuestionnaireResponse" && answered(r) && isForm(r.Root(), form)
}

// isForm reports whether a QuestionnaireResponse answers a questionnaire, of any version.
func isForm(n fhir.Node, form string) bool {
	text := n.Member("questionnaire").Text()
	return text == form || len(text) > len(form) && text[:len(form)+1] == form+"|"
}

// carried are the resources that a transfer lists, and its form of readiness.
func (f *file) carried(t *Transfer) nodes {
	listed := map[fhir.Ref]bool{}
	for _, paper := range f.papers {
		list(paper, listed)
	}
	for _, in := range readinessInputs(t.Task.Root()) {
		listed[refAt(in, "valueReference")] = true
	}
	out := nodes{}
	for kind, all := range f.all {
		for _, n := range all {
			if listed[n.Resource().Ref()] {
				out[kind] = append(out[kind], n)
			}
		}
	}
	return out
}

// list adds the entries of the sections below n.
func list(n fhir.Node, into map[fhir.Ref]bool) {
	for s := range n.All("section") {
		for e := range s.All("entry") {
			if ref, ok := fhir.ParseRef(e.Member("reference").Text()); ok {
				into[ref.Current()] = true
			}
		}
		list(s, into)
	}
}

// section finds the sections of a code in a document, nested ones too.
func section(n fhir.Node, code string, holds func(fhir.Node) bool) bool {
	for s := range n.All("section") {
		if coded(s, snomed, code, "code", "coding") && holds(s) || section(s, code, holds) {
			return true
		}
	}
	return false
}

// entered reports whether a section of that code lists the resource.
func (f *file) entered(n fhir.Node, code string) bool {
	self := n.Resource().Ref()
	return slices.ContainsFunc(f.papers, func(paper fhir.Node) bool {
		return section(paper, code, func(s fhir.Node) bool {
			for e := range s.All("entry") {
				if ref, ok := fhir.ParseRef(e.Member("reference").Text()); ok && ref.Current() == self {
					return true
				}
			}
			return false
		})
	})
}

// nilKnown reports whether a document says of a section that there is nothing, after asking.
func (f *file) nilKnown(code string) bool {
	return slices.ContainsFunc(f.papers, func(paper fhir.Node) bool {
		return section(paper, code, func(s fhir.Node) bool { return s.At("emptyReason", "coding", "code").Text() == "nilknown" })
	})
}

// measured reports whether an Observation is a vital sign of the last 7 days.
func (f *file) measured(n fhir.Node) bool {
	at, ok := moment(n.Member("effectiveDateTime").Text())
	return ok && coded(n, "http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs", "category", "coding") &&
		!at.Before(f.now.AddDate(0, 0, -7)) && !at.After(f.now)
}

// custodyChecked reports whether custody was looked up in the last 180 days.
func (f *file) custodyChecked() bool {
	checked := part(extension(f.patient, "gezag"), "gecontroleerdOp").Member("valueDate").Text()
	return checked != "" && checked >= dayOf(f.now, -180)
}

// baby reports whether the child is, or may be, under one year old.
func (f *file) baby() bool {
	birth := f.patient.Member("birthDate").Text()
	return len(birth) == len(dayForm) && birth > f.now.In(zone()).AddDate(-1, 0, 0).Format(dayForm)
}

// discussed reports whether the newest scan has an item, with another level than "not discussed".
func discussed(link string) func(*file) bool {
	const notDiscussed = "9"
	return func(f *file) bool {
		all := answersTo(f.scan, link+".niveau")
		return slices.ContainsFunc(all, func(a fhir.Node) bool {
			code := a.At("valueCoding", "code").Text()
			return code != "" && code != notDiscussed
		})
	}
}
