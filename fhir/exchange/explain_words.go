package exchange

import (
	"cmp"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// Languages of $explain-access, in the order of the texts.
var explainLanguages = []string{"nl", "sv", "en"}

// sentence is one text in each language. {R} is the recipient, {C} the first name of the child, {D} a date.
type sentence [3]string

// explainTexts are the texts of the reasons: one row for those that a family need not tell apart.
var explainTexts = []struct {
	reasons string // blank separated; a star at the end takes all that begin so
	text    sentence
}{
	{"permit-custody", sentence{
		"U heeft gezag over {C} en mag dit zien.", "Du är vårdnadshavare för {C} och får se detta.", "You have custody of {C} and may see this."}},
	{"permit-self", sentence{
		"Dit is jouw eigen dossier.", "Det är din egen journal.", "This is your own record."}},
	{"permit-child-permit permit-youth-consent permit-extension", sentence{
		"{C} vindt het goed dat u dit ziet.", "{C} har sagt ja till att du ser detta.", "{C} agreed that you see this."}},
	{"permit-consent", sentence{
		"{R} mag dit zien, want er is toestemming.", "{R} får se detta eftersom samtycke finns.", "{R} may see this because consent was given."}},
	{"permit-own-record", sentence{
		"{R} heeft dit zelf vastgelegd.", "{R} har själv dokumenterat detta.", "{R} recorded this itself."}},
	{"permit-default-se", sentence{
		"{R} mag dit zien als zorgverlener van {C}.", "{R} får se detta som vårdgivare till {C}.", "{R} may see this as a care giver of {C}."}},
	{"permit-emergency", sentence{
		"{R} keek in een noodgeval. Dit wordt gecontroleerd.", "{R} öppnade i en nödsituation. Det granskas.", "{R} looked in an emergency. This is reviewed."}},
	{"permit-task-* permit-issue-party permit-team-member permit-consent-party permit-relation permit-audit permit-directory permit-write permit-withdraw", sentence{
		"{R} mag dit zien vanwege zijn taak.", "{R} får se detta på grund av sitt uppdrag.", "{R} may see this because of its task."}},
	{"token-* scope-* context-* purpose-not-allowed", sentence{
		"De app van {R} heeft hier geen toegang voor gekregen.", "Appen hos {R} har inte fått denna behörighet.", "The app of {R} was not given access to this."}},
	{"relation-none", sentence{
		"{R} is niet betrokken bij de zorg voor {C}.", "{R} deltar inte i vården av {C}.", "{R} is not involved in the care of {C}."}},
	{"admin-no-clinical audit-role", sentence{
		"Deze rol ziet geen dossiers.", "Den här rollen ser inga journaler.", "This role sees no records."}},
	{"rep-custody-none rep-custody-undetermined rep-custody-stale", sentence{
		"Het gezag is niet (meer) bekend. Vraag de zorgcoördinator.", "Vårdnaden är inte styrkt. Kontakta samordnaren.",
		"Custody is not (or no longer) known. Ask the coordinator."}},
	{"rep-child-permit-missing rep-youth-alone rep-extension-missing", sentence{
		"{C} beslist vanaf {D} mee. {C} heeft nog geen ja gezegd.", "Från {D} bestämmer {C} själv eller är med och bestämmer. {C} har inte sagt ja.",
		"From {D} {C} has a say. {C} has not said yes."}},
	{"rep-age-closed rep-flag-osl rep-read-only", sentence{
		"Dit kan niet via de app. Vraag de zorgverlener.", "Det går inte via appen. Fråga vården.", "This is not possible by app. Ask the care provider."}},
	{"rep-child-too-young rep-maturity-missing", sentence{
		"Je kunt dit nog niet zelf bekijken.", "Du kan inte se detta själv ännu.", "You cannot see this yourself yet."}},
	{"rep-birthdate-unknown", sentence{
		"De geboortedatum ontbreekt.", "Födelsedatum saknas.", "The birth date is missing."}},
	{"custody-not-retroactive", sentence{
		"Dit is vastgelegd voordat u gezag kreeg.", "Detta dokumenterades innan du fick vårdnaden.", "This was recorded before you had custody."}},
	{"consent-none", sentence{
		"Er is geen toestemming voor {R}.", "Det finns inget samtycke för {R}.", "There is no consent for {R}."}},
	{"consent-denied domain-denied", sentence{
		"Er is bezwaar gemaakt tegen delen met {R}.", "Någon har sagt nej till delning med {R}.", "Someone objected to sharing with {R}."}},
	{"domain-not-shared", sentence{
		"Dit onderwerp wordt niet met {R} gedeeld.", "Detta område delas inte med {R}.", "This domain is not shared with {R}."}},
	{"label-* emergency-*", sentence{
		"Dit gedeelte is afgeschermd.", "Denna del är skyddad.", "This part is shielded."}},
}

// Words where a name may not be given, or there is none.
var (
	someRecipient = sentence{"deze ontvanger", "denna mottagare", "this recipient"}
	someChild     = sentence{"het kind", "barnet", "the child"}
	someDate      = sentence{"een leeftijd", "en viss ålder", "some age"}
	sealText      = sentence{"Een zegel kan dit nog verbergen.", "En spärr kan ändå dölja detta.", "A seal may still hide this."}
	dateForms     = sentence{"2-1-2006", "2006-01-02", "2 January 2006"}
)

// textOf finds the text of a reason.
func textOf(reason string) (sentence, bool) {
	for _, row := range explainTexts {
		for one := range strings.FieldsSeq(row.reasons) {
			stem, all := strings.CutSuffix(one, "*")
			if one == reason || all && strings.HasPrefix(reason, stem) {
				return row.text, true
			}
		}
	}
	return sentence{}, false
}

// ExplainText returns the sentence of a reason code in a language (nl, sv, en) with its places {R}, {C}
// and {D} open, "" when there is none.
func ExplainText(reason, language string) string {
	text, _ := textOf(reason)
	for i, l := range explainLanguages {
		if l == language {
			return text[i]
		}
	}
	return ""
}

// speaker fills the sentences of one answer.
type speaker struct {
	language         int
	recipient, child string
	began            func(at time.Time) time.Time // when the child came to have a say
}

// say returns the sentence of a reason at an instant.
func (s speaker) say(reason string, at time.Time) string {
	text, ok := textOf(reason)
	if !ok {
		return ""
	}
	date := someDate[s.language]
	if began := s.began(at); !began.IsZero() {
		date = began.Format(dateForms[s.language])
	}
	line := strings.NewReplacer("{R}", s.recipient, "{C}", s.child, "{D}", date).Replace(text[s.language])
	return upperFirst(line)
}

// upperFirst begins a sentence that a common noun came to begin.
func upperFirst(s string) string {
	for _, word := range [...]sentence{someRecipient, someChild} {
		for _, w := range word {
			if strings.HasPrefix(s, w+" ") {
				return strings.ToUpper(s[:1]) + s[1:]
			}
		}
	}
	return s
}

// seals says that labels are not known to the question.
func (s speaker) seals() string { return sealText[s.language] }

// languageOf chooses the language: the one asked for, else that of the child's country.
func (x *explaining) languageOf() int {
	want := cmp.Or(x.ask.Language, map[string]string{"nl": "nl", "se": "sv"}[x.child.Jurisdiction(x.w.s.settings, x.dir)])
	for i, l := range explainLanguages {
		if l == want {
			return i
		}
	}
	return 0
}

// speaker gathers the names that the caller may know.
func (x *explaining) speaker() (speaker, error) {
	n := x.languageOf()
	out := speaker{language: n, recipient: someRecipient[n], child: someChild[n], began: func(at time.Time) time.Time {
		return x.child.BandBegan(at, x.w.s.settings, x.dir)
	}}
	if x.caller.Role == auth.Admin {
		return out, nil
	}
	r, err := tree(x.patient)
	if err != nil {
		return out, err
	}
	out.child = cmp.Or(givenName(r.Root()), out.child)
	st, err := x.v.Read(x.ask.Recipient.Current())
	if err != nil {
		return out, unavailable("exchange.speaker", "policy-unavailable", err)
	}
	if !auth.IsDirectory(st.Ref.Type) {
		d, err := x.w.decide(x.caller, auth.Action{Interaction: auth.Read, Type: st.Ref.Type}, &st.Facts)
		if err != nil || !d.Permit {
			return out, err
		}
	}
	if r, err = tree(st); err == nil {
		out.recipient = cmp.Or(nameIn(r.Root().Member("name")), out.recipient)
	}
	return out, err
}
