package calendar

import "strings"

// words are a text in the languages of those who read it. One without translations is as its source wrote it.
type words struct{ nl, sv, en string }

// plain is a text of a source.
func plain(text string) words { return words{nl: text} }

// with returns the words with more of them behind.
func (w words) with(more words) words {
	return words{nl: w.nl + more.nl, sv: w.sv + more.sv, en: w.en + more.en}
}

// same is a name or number in all languages.
func same(text string) words { return words{text, text, text} }

// filled returns the words with what stands for something replaced.
func (w words) filled(pairs ...string) words {
	r := strings.NewReplacer(pairs...)
	return words{nl: r.Replace(w.nl), sv: r.Replace(w.sv), en: r.Replace(w.en)}
}

// The translations of a text as R4 carries them, beside it.
type (
	translated struct {
		Extension []translation `json:"extension"`
	}
	translation struct {
		URL       string            `json:"url"`
		Extension []translationPart `json:"extension"`
	}
	translationPart struct {
		URL     string `json:"url"`
		Code    string `json:"valueCode,omitempty"`
		Content string `json:"valueString,omitempty"`
	}
)

// in returns the text in a language, with the others beside it.
func (w words) in(lang string) (string, *translated) {
	if w.sv == "" || w.en == "" {
		return w.nl, nil
	}
	first, out := "", &translated{}
	for _, t := range []struct{ lang, text string }{{"nl", w.nl}, {"sv", w.sv}, {"en", w.en}} {
		if t.lang == lang {
			first = t.text
			continue
		}
		out.Extension = append(out.Extension, translation{"http://hl7.org/fhir/StructureDefinition/translation",
			[]translationPart{{URL: "lang", Code: t.lang}, {URL: "content", Content: t.text}}})
	}
	return first, out
}

// language is that of those who care for the child.
func (r *run) language() string {
	if r.Household.Jurisdiction == "se" {
		return "sv"
	}
	return "nl"
}

// What the rules say. Read only.
var (
	sayOverdue = words{"Evaluatie over tijd: ", "Försenad utvärdering: ", "Evaluation overdue: "}
	sayMeeting = map[string]words{
		meetingTeam:        {"cliëntbespreking", "teamgenomgång", "case review"},
		"evaluatie-ouders": {"evaluatie met ouders", "utvärdering med föräldrarna", "evaluation with the parents"},
		"afsluitend":       {"afsluitend evaluatiegesprek", "avslutande utvärderingssamtal", "closing evaluation"},
	}
	sayInform = words{"Ouders informeren over de cliëntbespreking", "Informera föräldrarna om teamgenomgången", "Tell the parents about the case review"}
	saySign   = words{"Zorgplan ondertekenen", "Skriv under vårdplanen", "Sign the care plan"}
	saySigned = words{"Zorgplan is ondertekend en nog niet van kracht: stuur een nieuwe versie in",
		"Vårdplanen är underskriven men gäller inte ännu: skicka in en ny version",
		"The care plan is signed and not yet in force: send a new version"}
	sayRemind = words{"Het zorgplan wacht op uw handtekening. Tot die tijd geldt de vorige versie.",
		"Vårdplanen väntar på din underskrift. Tills dess gäller den förra versionen.",
		"The care plan waits for your signature. Until then the previous version applies."}
	sayAddress = words{"Huisarts of jeugdgezondheidszorg vastleggen", "Ange husläkare eller barnhälsovård", "Record the family doctor or the youth health care"}
	sayRequest = words{"Aanvraag: ", "Förfrågan: ", "Request: "}
	sayRefused = words{"Aanvraag is afgewezen: ", "Förfrågan har avslagits: ", "The request was refused: "}
	sayRide    = words{"Rit", "Resa", "Ride"}
	sayReview  = words{"Noodtoegang beoordelen. De familie krijgt na 24 uur bericht, tenzij deze taak op on-hold staat.",
		"Granska nödåtkomsten. Familjen får besked efter 24 timmar om uppgiften inte står som on-hold.",
		"Review the emergency access. The family is told after 24 hours, unless this task is on-hold."}
	sayOpened = words{"Iemand heeft het dossier in een noodsituatie geopend, zonder dat daarvoor toestemming bekend was. " +
		"In het logboek staat wie, wanneer en waarom.",
		"Någon har öppnat journalen i en nödsituation utan känt samtycke. I loggen står vem, när och varför.",
		"Somebody opened the record in an emergency, without a consent that was known. The log says who, when and why."}

	sayAgreed     = words{"Evaluatie van een afspraak in het netwerk", "Utvärdering av en överenskommelse i nätverket", "Evaluation of an agreement in the network"}
	sayUnreviewed = words{"De afspraak is nog niet geëvalueerd en wacht daarop.", "Överenskommelsen har inte utvärderats än och väntar på det.",
		"The agreement was not evaluated yet and waits for that."}

	sayEvaluate = words{"Samordningsplan evalueren", "Utvärdera samordningsplanen", "Evaluate the coordinated plan"}
	sayEnded    = words{"Het einde van de samordningsplan is voorbij: sluit het plan af of spreek een nieuw einde af",
		"Samordningsplanens slutdatum har passerat: avsluta planen eller kom överens om ett nytt slut",
		"The end of the coordinated plan has passed: end the plan or agree on a new end"}
	sayFew = words{"Al vier weken voeren minder dan twee partijen de samordningsplan uit: overweeg die af te sluiten",
		"Sedan fyra veckor har färre än två aktörer insatser i samordningsplanen: överväg att avsluta den",
		"For four weeks fewer than two parties have carried measures of the coordinated plan: consider ending it"}
	sayNewLead = words{"De samordningsplan heeft geen coördinator meer: spreek een nieuwe af",
		"Samordningsplanen har ingen samordnare längre: utse en ny", "The coordinated plan has no coordinator any more: choose another"}
	sayWithdrawn = words{"De toestemming voor de samordningsplan is geëindigd: de andere partijen zien het plan niet meer",
		"Samtycket till samordningsplanen har upphört: de andra aktörerna ser inte längre planen",
		"The consent to the coordinated plan has ended: the other parties see the plan no longer"}

	sayHandover = words{"Draag de verantwoordelijkheid voor het belang van het kind over aan ", "Överlämna ansvaret för barnets bästa till ",
		"Hand the charge of the child's best over to "}
	sayHead          = words{"het schoolhoofd, uiterlijk", "rektorn, senast", "the school head, by"}
	sayOfficer       = words{"de KAA-medewerker van de gemeente, uiterlijk", "kommunens KAA-handläggare, senast", "the KAA officer of the municipality, by"}
	sayHeadOrOfficer = words{"het volgende schoolhoofd, of buiten school de KAA-medewerker van de gemeente, uiterlijk",
		"nästa rektor, eller utanför skolan kommunens KAA-handläggare, senast", "the next school head, or outside school the KAA officer of the municipality, by"}
	sayStays = words{"Wie nu verantwoordelijk is, blijft dat tot de opvolger heeft aanvaard.", "Den som är ansvarig nu är det tills efterträdaren har tackat ja.",
		"Who is in charge now remains so until the next has accepted."}

	sayAge = words{"Het kind wordt AGE jaar. ", "Barnet fyller AGE år. ", "The child turns AGE. "}
	sayWlz = words{"Vanaf deze leeftijd kan opnieuw worden beoordeeld of de Wlz past. Bespreek een nieuwe verwijsboom.",
		"Från denna ålder kan det bedömas på nytt om Wlz (långvarig vård) är tillämplig. Gå igenom ett nytt verwijsboom.",
		"From this age it can be judged anew whether the Wlz (long-term care) applies. Go through a new verwijsboom."}
	sayAdult = words{"Vanaf deze dag geldt de zorg voor volwassenen. Bespreek de beslisboom en de overdracht naar de volwassenenzorg.",
		"Från denna dag gäller vården för vuxna. Gå igenom beslisboom och överlämningen till vuxenvården.",
		"From this day adult care applies. Go through the beslisboom and the transfer to adult care."}
	sayAlone = words{"Vanaf deze dag beslist de jongere zelf over zorgplan en dossier. Toestemmingen van ouders vervallen, " +
		"ouders lezen alleen nog mee als de jongere dat toestaat, en alleen de jongere tekent het zorgplan.",
		"Från denna dag bestämmer den unge själv över vårdplan och journal. Föräldrarnas samtycken upphör, " +
			"föräldrar läser bara om den unge tillåter det, och bara den unge skriver under vårdplanen.",
		"From this day the youth alone decides on care plan and record. Consents of parents lapse, " +
			"parents read only if the youth permits it, and the youth alone signs the care plan."}
	sayJoint = words{"Vanaf deze dag leest het kind het eigen dossier. Delen vraagt toestemming van ouders en kind samen: " +
		"toestemmingen van ouders alleen vervallen. Het zorgplan wordt door een ouder en het kind getekend.",
		"Från denna dag läser barnet sin egen journal. Att dela kräver samtycke av föräldrar och barn tillsammans: " +
			"samtycken av enbart föräldrar upphör. Vårdplanen skrivs under av en förälder och barnet.",
		"From this day the child reads its own record. Sharing needs the consent of parents and child together: " +
			"consents of parents alone lapse. The care plan is signed by a parent and the child."}
	sayLapse = words{" Deze toestemmingen vervallen: ", " Dessa samtycken upphör: ", " These consents lapse: "}
)
