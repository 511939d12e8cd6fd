package auth_test

import (
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// writeCase is a create, update or delete by one principal.
type writeCase struct {
	name   string
	born   string
	who    func(testing.TB) auth.Principal
	scopes string
	do     auth.Interaction
	more   []string // what is stored beside the family
	own    map[string]string
	body   string
	ref    string // of a delete
	want   string
	http   int
}

// directive is a treatment directive: a Consent of another scope than sharing.
var directive = strings.Replace(consentOf("yes", provisionFor("permit", stranger, ""), giverMother), `"code":"patient-privacy"`, `"code":"treatment"`, 1)

func message(sender string) string {
	return `{"resourceType":"Communication","id":"note","status":"completed","subject":{"reference":"Patient/kim"},"sender":{"reference":"` + sender + `"}}`
}

func held(consent string, orgs ...string) string {
	return strings.Replace(consent, `"provision":`, `"organization":[{"reference":"`+strings.Join(orgs, `"},{"reference":"`)+`"}],"provision":`, 1)
}

// impliedBy is a Consent of the kind that the acceptance of a transfer makes, of a person.
func impliedBy(performer string) string {
	c := consentOf("yes", provisionFor("permit", home, `"period":{"end":"2030-01-01"},"data":[{"meaning":"dependents","reference":{"reference":"Composition/x"}}]`), performer)
	return strings.Replace(c, `"category":[`, `"category":[{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/toestemming-soort","code":"verondersteld"}]},`, 1)
}

func answers(status, source string) string {
	return `{"resourceType":"QuestionnaireResponse","id":"qr","status":"` + status + `","subject":{"reference":"Patient/kim"},"source":{"reference":"` + source + `"}}`
}

func status(resource, from, to string) string {
	return strings.Replace(resource, `"status":"`+from+`"`, `"status":"`+to+`"`, 1)
}

var (
	newPlan       = plan("new", "medisch")
	unheld        = consentOf("yes", homeCarePermit(""), giverMother)
	unheldDeny    = consentOf("yes", provisionFor("deny", home, ""), giverMother)
	grant         = held(consentOf("yes", homeCarePermit(""), giverMother), hospital)
	askedByOthers = `{"resourceType":"Task","id":"task","status":"requested","intent":"plan","for":{"reference":"Patient/kim"},"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-taak","code":"hulp"}]},"owner":{"reference":"RelatedPerson/friend"}}`
	helpTask      = `{"resourceType":"Task","id":"task","status":"requested","intent":"proposal","for":{"reference":"Patient/kim"},"code":{"coding":[{"system":"https://drieluik.example/fhir/CodeSystem/netwerk-taak","code":"hulp"}]},"requester":{"reference":"RelatedPerson/mother"},"owner":{"reference":"RelatedPerson/friend"}}`
	otherPlan     = strings.Replace(plan("plan", "medisch"), "Patient/kim", "Patient/other", 1)
	leadTeam      = `{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/kim"},"participant":[{"role":[{"coding":[{"code":"zorgcoordinator"}]}],"member":{"reference":"Organization/home"}}]}`
)

// block is a Consent that blocks a resource for others, of a giver.
func block(of, giver string) string {
	c := consentOf("no", `{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"`+of+`"}}]}`, giver)
	return strings.Replace(c, `"category":[`, `"category":[{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-samtycke","code":"sparr"}]},`, 1)
}

// inSweden is the family under Swedish rules.
func inSweden(born string) []string {
	return []string{
		strings.Replace(childBorn(born), `"birthDate"`, `"identifier":[{"system":"http://electronichealth.se/identifier/personnummer","value":"x"}],"birthDate"`, 1),
		`{"resourceType":"RelatedPerson","id":"mother","active":true,"patient":{"reference":"Patient/kim"},"relationship":[{"coding":[{"system":"` + fhir.Canonical + `/CodeSystem/se-foretradare","code":"vardnadshavare"}]}]}`,
	}
}

// extended is Sweden with an extension for the mother.
var extended = append(inSweden("2012-05-04"),
	strings.Replace(held(childSaysYes, hospital), `"code":"59284-0"}]}`, `"code":"59284-0"}]},{"coding":[{"system":"`+fhir.Canonical+`/CodeSystem/se-samtycke","code":"utokad-vardnadshavare"}]}`, 1))

var writeCases = []writeCase{
	{name: "an organisation pushes for any child", who: system(stranger), do: auth.Create, body: newPlan, want: "permit-write", http: 201},
	{name: "outside the granular scope", who: system(stranger), scopes: "system/CarePlan.c?category=x", do: auth.Create, body: newPlan, want: "scope-granular", http: 403},
	{name: "for another child than the token's", who: asMother, do: auth.Create, body: strings.Replace(message(giverMother), "Patient/kim", "Patient/other", 1), want: "context-other-patient", http: 403},
	{name: "a new child", who: system(stranger), do: auth.Create, body: `{"resourceType":"Patient","id":"new","birthDate":"2026-01-01"}`, want: "permit-write", http: 201},
	{name: "a log row", who: system(hospital), do: auth.Create, body: logRow, want: "immutable", http: 405},
	{name: "a child is never deleted", who: system(hospital), do: auth.Delete, ref: "Patient/kim", want: "delete-refused", http: 405},
	{name: "an own plan is changed", who: system(hospital), do: auth.Update, body: status(plan("plan", "medisch"), "active", "completed"), want: "permit-write", http: 200},
	{name: "an own plan is deleted", who: system(hospital), do: auth.Delete, ref: "CarePlan/plan", want: "permit-write", http: 204},
	{name: "another's hidden plan is missing", who: system(stranger), do: auth.Update, body: plan("plan", "medisch"), want: "relation-none", http: 404},
	{name: "another's visible plan is not to be changed", who: system(home), do: auth.Update, more: []string{yes("")}, body: plan("plan", "medisch"), want: "write-not-custodian", http: 403},
	{name: "the coordinator changes it", who: system(home), do: auth.Update, more: []string{yes(""), leadTeam}, body: plan("plan", "medisch"), want: "permit-write", http: 200},
	{name: "the coordinator does not delete it", who: system(home), do: auth.Delete, more: []string{yes(""), leadTeam}, ref: "CarePlan/plan", want: "write-not-custodian", http: 403},
	{name: "the coordinator keeps the domains", who: system(home), do: auth.Update, more: []string{yes(""), leadTeam}, body: plan("plan", "medisch", "sociaal"), want: "write-label", http: 403},
	{name: "the coordinator keeps the labels", who: system(home), do: auth.Update, more: []string{yes(""), leadTeam, planWith(labelled(confidential, "L", ""))}, body: plan("plan", "medisch"), want: "write-label", http: 403},
	{name: "a plan does not move to another child", who: system(hospital), do: auth.Update, body: otherPlan, want: "write-patient-change", http: 422},
	{name: "an organisation of the directory", who: system(hospital), do: auth.Create, body: organization("new"), want: "write-role", http: 403},
	{name: "an admin and the directory", who: func(t testing.TB) auth.Principal { return asAdmin(t, hospital) }, do: auth.Create, body: organization("new"), want: "permit-write", http: 201},
	{name: "custody by another organisation", who: system(home), do: auth.Create, body: strings.Replace(mother("Voogdij"), `"mother"`, `"aunt"`, 1), want: "write-not-custodian", http: 403},
	{name: "custody by the custodian", who: system(hospital), do: auth.Update, body: mother("Voogdij"), want: "permit-write", http: 200},
	{name: "a mere contact by another organisation", who: system(home), do: auth.Create, body: `{"resourceType":"RelatedPerson","id":"aunt","active":true,"patient":{"reference":"Patient/kim"}}`, want: "permit-write", http: 201},

	{name: "a mother writes no plan", who: asMother, do: auth.Create, body: newPlan, want: "write-role", http: 403},
	{name: "a mother sends a message", who: asMother, do: auth.Create, body: message(giverMother), want: "permit-write", http: 201},
	{name: "but not in another's name", who: asMother, do: auth.Create, body: message("RelatedPerson/friend"), want: "write-role", http: 403},
	{name: "a helper sends a message", who: asFriend, do: auth.Create, body: message("RelatedPerson/friend"), want: "permit-write", http: 201},
	{name: "a mother without custody sends none", who: asMother, more: []string{mother("GezagNietTeBepalen")}, do: auth.Create, body: message(giverMother), want: "rep-custody-undetermined", http: 403},
	{name: "a mother fills in a form", who: asMother, do: auth.Create, body: answers("in-progress", giverMother), want: "permit-write", http: 201},
	{name: "and goes on with it", who: asMother, do: auth.Update, more: []string{answers("in-progress", giverMother)}, body: answers("completed", giverMother), want: "permit-write", http: 200},
	{name: "but not after the end", who: asMother, do: auth.Update, more: []string{answers("completed", giverMother)}, body: answers("amended", giverMother), want: "write-role", http: 403},
	{name: "a helper fills in none", who: asFriend, do: auth.Create, body: answers("in-progress", "RelatedPerson/friend"), want: "write-role", http: 403},

	{name: "an organisation asks", who: system(hospital), do: auth.Create, body: task("requested", home, hospital), want: "permit-write", http: 201},
	{name: "in another's name", who: system(stranger), do: auth.Create, body: task("requested", home, hospital), want: "write-role", http: 403},
	{name: "the owner accepts", who: system(home), do: auth.Update, more: []string{task("requested", home, hospital)}, body: task("accepted", home, hospital), want: "permit-write", http: 200},
	{name: "the requester does not accept", who: system(hospital), do: auth.Update, more: []string{task("requested", home, hospital)}, body: task("accepted", home, hospital), want: "task-transition", http: 422},
	{name: "the requester cancels", who: system(hospital), do: auth.Update, more: []string{task("accepted", home, hospital)}, body: task("cancelled", home, hospital), want: "permit-write", http: 200},
	{name: "nobody wakes what is over", who: system(home), do: auth.Update, more: []string{task("rejected", home, hospital)}, body: task("accepted", home, hospital), want: "task-transition", http: 422},
	{name: "on hold and on again", who: system(home), do: auth.Update, more: []string{task("on-hold", home, hospital)}, body: task("in-progress", home, hospital), want: "permit-write", http: 200},
	{name: "a mother asks for help", who: asMother, do: auth.Create, body: helpTask, want: "permit-write", http: 201},
	{name: "and takes it back", who: asMother, do: auth.Update, more: []string{helpTask}, body: status(helpTask, "requested", "cancelled"), want: "permit-write", http: 200},
	{name: "and holds what others asked", who: asMother, do: auth.Update, more: []string{askedByOthers}, body: status(askedByOthers, "requested", "on-hold"), want: "permit-write", http: 200},
	{name: "and accepts nothing for the helper", who: asMother, do: auth.Update, more: []string{helpTask}, body: status(helpTask, "requested", "accepted"), want: "write-role", http: 403},
	{name: "the supporter accepts for the helper", who: system(hospital), do: auth.Update, more: []string{askedByOthers}, body: status(askedByOthers, "requested", "accepted"), want: "permit-write", http: 200},
	{name: "a mother asks no organisation", who: asMother, do: auth.Create, body: task("requested", home, giverMother), want: "write-role", http: 403},

	{name: "a mother gives consent", who: asMother, do: auth.Create, body: grant, want: "permit-write", http: 201},
	{name: "not in the father's name", who: asMother, do: auth.Create, body: held(consentOf("yes", homeCarePermit(""), giverFather), hospital), want: "write-role", http: 403},
	{name: "not to herself in an exception", who: asMother, do: auth.Create, body: consentOf("yes", provisionFor("deny", home, `"provision":[`+provisionFor("permit", giverMother, "")+`]`), giverMother), want: "consent-self-grant", http: 403},
	{name: "not to an app", who: asMother, do: auth.Create, body: consentOf("yes", `{"type":"permit","actor":[{`+recipientRole+`,"reference":{"identifier":{"system":"https://drieluik.example/fhir/sid/smart-client","value":"x"}}}]}`, giverMother), want: "consent-self-grant", http: 403},
	{name: "not to anybody", who: asMother, do: auth.Create, body: consentOf("yes", `{"type":"permit"}`, giverMother), want: "consent-actor-required", http: 422},
	{name: "an objection to anybody", who: asMother, do: auth.Create, body: consentOf("no", `{"type":"deny"}`, giverMother), want: "permit-write", http: 201},
	{name: "13: nor what an acceptance implies, which would need nobody else", born: "2013-05-04", who: asMother, do: auth.Create, body: impliedBy(giverMother), want: "write-role", http: 403},
	{name: "nor the child", born: "2009-05-04", who: asChild, do: auth.Create, body: impliedBy(giverChild), want: "write-role", http: 403},
	{name: "13: a mother gives her part", born: "2013-05-04", who: asMother, do: auth.Create, body: grant, want: "permit-write", http: 201},
	{name: "17: not any more", born: "2009-05-04", who: asMother, do: auth.Create, body: grant, want: "rep-youth-alone", http: 403},
	{name: "without custody", who: asMother, more: []string{mother("GezagNietTeBepalen")}, do: auth.Create, body: grant, want: "rep-custody-none", http: 403},
	{name: "a child of six", who: asChild, do: auth.Create, body: consentOf("yes", homeCarePermit(""), giverChild), want: "rep-child-too-young", http: 403},
	{name: "a child of thirteen", born: "2013-05-04", who: asChild, do: auth.Create, body: consentOf("yes", homeCarePermit(""), giverChild), want: "permit-write", http: 201},
	{name: "a helper gives none", who: asFriend, do: auth.Create, body: consentOf("yes", homeCarePermit(""), "RelatedPerson/friend"), want: "write-role", http: 403},
	{name: "no birth date", who: asMother, more: []string{`{"resourceType":"Patient","id":"kim"}`}, do: auth.Create, body: grant, want: "rep-birthdate-unknown", http: 403},
	{name: "the holder records it", who: system(hospital), do: auth.Create, body: grant, want: "permit-write", http: 201},
	{name: "another organisation does not", who: system(home), do: auth.Create, body: grant, want: "consent-self-grant", http: 403},
	{name: "nor closes what another keeps", who: system(home), do: auth.Create, body: held(consentOf("no", provisionFor("deny", stranger, ""), giverMother), hospital, home), want: "write-not-custodian", http: 403},
	{name: "but what it keeps itself", who: system(home), do: auth.Create, body: held(consentOf("no", provisionFor("deny", stranger, ""), giverMother), home), want: "permit-write", http: 201},
	{name: "and keeps an objection that stands for both", who: system(home), do: auth.Update, more: []string{held(consentOf("no", provisionFor("deny", stranger, ""), giverMother), hospital, home)}, body: held(consentOf("no", provisionFor("deny", hospital, ""), giverMother), hospital, home), want: "permit-write", http: 200},
	{name: "but any organisation records a directive on treatment, which opens nothing", who: system(home), do: auth.Create, body: directive, want: "permit-write", http: 201},
	{name: "and makes no consent to share of it", who: system(home), do: auth.Update, more: []string{directive}, own: map[string]string{"Consent/yes": home}, body: strings.Replace(directive, `"code":"treatment"`, `"code":"patient-privacy"`, 1), want: "consent-self-grant", http: 403},
	{name: "a performer withdraws, whatever she may", born: "2009-05-04", who: asMother, do: auth.Update, more: []string{grant}, body: status(grant, "active", "inactive"), want: "permit-withdraw", http: 200},
	{name: "the holder withdraws", who: system(hospital), do: auth.Update, more: []string{grant}, own: map[string]string{"Consent/yes": home}, body: status(grant, "active", "inactive"), want: "permit-withdraw", http: 200},
	{name: "who wrote down a permit that names no holder withdraws it", who: system(hospital), do: auth.Update, more: []string{unheld}, own: map[string]string{"Consent/yes": hospital}, body: status(unheld, "active", "inactive"), want: "permit-withdraw", http: 200},
	{name: "who did not write it down does not", who: system(hospital), do: auth.Update, more: []string{unheld}, own: map[string]string{"Consent/yes": home}, body: status(unheld, "active", "inactive"), want: "relation-none", http: 404},
	{name: "a denial that names no holder is withdrawn by who gave it alone", who: system(hospital), do: auth.Update, more: []string{unheldDeny}, own: map[string]string{"Consent/yes": hospital}, body: status(unheldDeny, "active", "inactive"), want: "consent-self-grant", http: 403},
	{name: "the holder gives back what was withdrawn", who: system(hospital), do: auth.Update, more: []string{status(grant, "active", "inactive")}, own: map[string]string{"Consent/yes": hospital}, body: grant, want: "consent-withdrawn", http: 403},
	{name: "the holder gives back what was called an error", who: system(hospital), do: auth.Update, more: []string{status(grant, "active", "entered-in-error")}, own: map[string]string{"Consent/yes": hospital}, body: grant, want: "consent-withdrawn", http: 403},
	{name: "the holder puts the day of what was withdrawn back", who: system(hospital), do: auth.Update, more: []string{status(grant, "active", "inactive")}, own: map[string]string{"Consent/yes": hospital}, body: strings.Replace(status(grant, "active", "inactive"), "2026-10-30T12:00", "2020-10-30T12:00", 1), want: "consent-withdrawn", http: 403},
	{name: "the holder amends what was withdrawn", who: system(hospital), do: auth.Update, more: []string{status(grant, "active", "inactive")}, own: map[string]string{"Consent/yes": hospital}, body: strings.Replace(status(grant, "active", "inactive"), `"status"`, `"language":"nl","status"`, 1), want: "permit-write", http: 200},
	{name: "the holder writes down what was given again", who: system(hospital), do: auth.Update, more: []string{status(grant, "active", "inactive")}, own: map[string]string{"Consent/yes": hospital}, body: strings.Replace(grant, "2026-10-30T12:00", "2026-11-02T12:00", 1), want: "permit-write", http: 200},
	{name: "a withdrawal changes nothing else", who: asMother, do: auth.Update, more: []string{grant}, body: strings.Replace(status(grant, "active", "inactive"), home, stranger, 1), want: "write-role", http: 403},
	{name: "another guardian does not withdraw it", who: asMother, do: auth.Update, more: []string{father, held(consentOf("yes", homeCarePermit(""), giverFather), hospital)}, body: status(held(consentOf("yes", homeCarePermit(""), giverFather), hospital), "active", "inactive"), want: "write-role", http: 403},
	{name: "a performer withdraws under a seal against her", who: asMother, do: auth.Update, more: []string{grant, childWith(labelled(accessSystem, "seal-person", giverMother))}, body: status(grant, "active", "inactive"), want: "permit-withdraw", http: 200},
	{name: "14 in Sweden: an extension lets a guardian read only", born: "2012-05-04", who: asMother, more: extended, do: auth.Create, body: message(giverMother), want: "rep-read-only", http: 403},
	{name: "14 in Sweden: but give her part of a Consent", born: "2012-05-04", who: asMother, more: extended, do: auth.Create, body: grant, want: "permit-write", http: 201},
	{name: "who keeps a plan blocks it", who: system(hospital), do: auth.Create, body: held(block("CarePlan/plan", giverMother), hospital), want: "permit-write", http: 201},
	{name: "nobody blocks what another keeps", who: system(home), do: auth.Create, more: []string{yes("")}, body: held(block("CarePlan/plan", giverMother), home), want: "write-not-custodian", http: 403},
	{name: "nor what is not there, with the same answer", who: system(home), do: auth.Create, body: held(block("CarePlan/none", giverMother), home), want: "write-not-custodian", http: 403},
	{name: "nor who works where", who: system(home), do: auth.Create, body: held(block("Organization/hospital", giverMother), home), want: "write-not-custodian", http: 403},
	{name: "nor in an exception", who: system(home), do: auth.Create, body: held(strings.Replace(block("CarePlan/none", giverMother), `"data"`, `"provision":[{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"CarePlan/plan"}}]}],"x"`, 1), home), want: "write-not-custodian", http: 403},
	{name: "nor by an update", who: system(home), do: auth.Update, more: []string{held(consentOf("no", provisionFor("deny", stranger, ""), giverMother), home)}, own: map[string]string{"Consent/no": home}, body: held(block("CarePlan/plan", giverMother), home), want: "write-not-custodian", http: 403},
	{name: "but an old one of that kind ends", who: system(home), do: auth.Update, more: []string{held(block("CarePlan/plan", giverMother), home)}, own: map[string]string{"Consent/no": home}, body: status(held(block("CarePlan/plan", giverMother), home), "active", "inactive"), want: "permit-withdraw", http: 200},
	{name: "a Dutch guardian blocks", who: asMother, do: auth.Create, body: block("CarePlan/plan", giverMother), want: "permit-write", http: 201},
	{name: "a Swedish guardian does not", who: asMother, more: inSweden("2020-05-04"), do: auth.Create, body: block("CarePlan/plan", giverMother), want: "write-role", http: 403},
	{name: "but objects to sharing by consent", who: asMother, more: inSweden("2020-05-04"), do: auth.Create, body: consentOf("no", provisionFor("deny", home, ""), giverMother), want: "permit-write", http: 201},
	{name: "17 in Sweden: a youth blocks", who: asChild, more: inSweden("2009-05-04"), do: auth.Create, body: block("CarePlan/plan", giverChild), want: "permit-write", http: 201},
	{name: "13 in Sweden: not yet, unless found mature", who: asChild, more: inSweden("2013-05-04"), do: auth.Create, body: block("CarePlan/plan", giverChild), want: "rep-child-too-young", http: 403},

	{name: "a Consent is not deleted", who: asMother, do: auth.Delete, more: []string{grant}, ref: "Consent/yes", want: "delete-refused", http: 405},
}

func TestWritesKeepToTheirRows(t *testing.T) {
	for _, c := range writeCases {
		t.Run(c.name, func(t *testing.T) {
			born := c.born
			if born == "" {
				born = "2020-05-04"
			}
			w := smallWorld(t, c.own, append(family(born), c.more...)...)
			p := c.who(t)
			if c.scopes != "" {
				p = with(t, p, c.scopes)
			}
			act := actionCase{Interaction: c.do, Ref: c.ref}
			if c.body != "" {
				body := parse(t, []byte(c.body))
				act.Body, act.Type = body.Bytes(), string(body.Type())
				if c.do != auth.Create {
					act.Ref = body.Ref().String()
				}
			}
			got := w.decide(t, p, accessCase{Action: act})
			if got.Reason != c.want || got.HTTP != c.http {
				t.Errorf("got %d %s, want %d %s", got.HTTP, got.Reason, c.http, c.want)
			}
		})
	}
}
