package netwerk

import (
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// moreFaults says that there is more than is told.
const moreFaults = "NW-MORE"

// dialect is what the format adds to the reading of a form.
var dialect = form.Dialect{
	Schema: Schema,
	Rules: form.Rules{
		Missing: "NW-S01", Shape: "NW-S02", Count: "NW-S09", Large: "NW-S09", Unknown: "NW-S08", More: moreFaults,
	},
	Texts: english(), Translated: translated(),
	Codes: map[string]string{
		"NW-S01": "required", "NW-S02": "structure", "NW-S03": "code-invalid", "NW-S04": "duplicate", "NW-S05": "not-found",
		"NW-S06": "value", "NW-S07": "value", "NW-S08": "informational", "NW-S09": "value",
	},
}

// words are what is said of a rule, in the languages of those who read it.
type words struct{ en, nl, sv string }

func english() map[string]string {
	out := make(map[string]string, len(ruleTexts))
	for rule, w := range ruleTexts {
		out[rule] = w.en
	}
	return out
}

func translated() map[string]fhir.Translations {
	out := make(map[string]fhir.Translations, len(ruleTexts))
	for rule, w := range ruleTexts {
		out[rule] = fhir.Translations{NL: w.nl, SV: w.sv}
	}
	return out
}

// ruleTexts is read only.
var ruleTexts = map[string]words{
	"NW-S01": {
		"A required member is missing or empty. Send it.",
		"Een verplicht veld ontbreekt of is leeg. Stuur het mee.",
		"En obligatorisk uppgift saknas eller är tom. Skicka med den.",
	},
	"NW-S02": {
		"The value has the wrong JSON type. Send it as the member table says.",
		"De waarde heeft het verkeerde JSON-type. Stuur haar zoals de veldentabel zegt.",
		"Värdet har fel JSON-typ. Skicka det så som fälttabellen anger.",
	},
	"NW-S03": {
		"The code is not in the closed list of this member.",
		"De code staat niet in de gesloten lijst van dit veld.",
		"Koden finns inte i fältets slutna lista.",
	},
	"NW-S04": {
		"The id, or the pair of members, stands here for the second time. Name each once.",
		"De id, of het tweetal leden, staat hier voor de tweede keer. Noem elk één keer.",
		"Id:t, eller paret av medlemmar, står här för andra gången. Ange vart och ett en gång.",
	},
	"NW-S05": {
		"The reference names no member of leden.",
		"De verwijzing noemt geen lid uit leden.",
		"Hänvisningen anger ingen medlem i leden.",
	},
	"NW-S06": {
		"The date or time does not exist, or is not written in full. Send YYYY-MM-DD, and a time with seconds and offset.",
		"De datum of tijd bestaat niet of is niet voluit geschreven. Stuur JJJJ-MM-DD, en een tijdstip met seconden en tijdzone.",
		"Datumet eller tiden finns inte eller är inte fullständigt skriven. Skicka ÅÅÅÅ-MM-DD, och en tidpunkt med sekunder och tidszon.",
	},
	"NW-S07": {
		"The BSN fails the 11-proef.",
		"Het BSN voldoet niet aan de 11-proef.",
		"BSN-numret klarar inte kontrollen (11-proef).",
	},
	"NW-S08": {
		"This member is not known in netwerk/1. It is kept, not interpreted.",
		"Dit veld is niet bekend in netwerk/1. Het wordt bewaard, niet uitgelegd.",
		"Fältet är inte känt i netwerk/1. Det sparas men tolkas inte.",
	},
	"NW-S09": {
		"The value breaks the pattern, range or condition of this member. Send it as the member table says.",
		"De waarde past niet bij het patroon, het bereik of de voorwaarde van dit veld. Stuur haar zoals de veldentabel zegt.",
		"Värdet bryter mot fältets mönster, intervall eller villkor. Skicka det så som fälttabellen anger.",
	},
	"NW-R01": {
		"An agreement is accepted only after the helper was prepared. Say how, in voorbereiding.",
		"Een afspraak wordt pas aangenomen als de helper is voorbereid. Zeg in voorbereiding hoe.",
		"En överenskommelse godtas först när hjälparen har förberetts. Ange hur i voorbereiding.",
	},
	"NW-R02": {
		"Nobody is named who decided. Name them in beslisser.",
		"Er staat niet wie heeft beslist. Noem die in beslisser.",
		"Det står inte vem som har beslutat. Ange den personen i beslisser.",
	},
	"NW-R03": {
		"This member does not want to be approached. Ask somebody else.",
		"Dit lid wil niet benaderd worden. Vraag iemand anders.",
		"Den här personen vill inte bli kontaktad. Fråga någon annan.",
	},
	"NW-R03b": {
		"This member has withdrawn consent: the task is put on hold.",
		"Dit lid heeft de toestemming ingetrokken: de taak wacht.",
		"Den här personen har återkallat sitt samtycke: uppgiften vilar.",
	},
	"NW-R04": {
		"This member carries much already. Propose the reserve.",
		"Dit lid draagt al veel. Stel de reserve voor.",
		"Den här personen bär redan mycket. Föreslå reserven.",
	},
	"NW-R05": {
		"An agreement that holds is reviewed. Give the day in evaluatie.",
		"Een afspraak die geldt wordt geëvalueerd. Geef de dag in evaluatie.",
		"En gällande överenskommelse utvärderas. Ange dagen i evaluatie.",
	},
	"NW-R05b": {
		"The review lies on or before the start, or after the end of the network. Correct it.",
		"De evaluatie ligt op of voor de start, of na het einde van het netwerk. Verbeter de datum.",
		"Utvärderingen ligger på eller före starten, eller efter nätverkets slut. Rätta datumet.",
	},
	"NW-R05c": {
		"The review is more than three months after the start.",
		"De evaluatie ligt meer dan drie maanden na de start.",
		"Utvärderingen ligger mer än tre månader efter starten.",
	},
	"NW-R06": {
		"The reserve is the helper, does not want to be approached, or has withdrawn. Name another, or nobody.",
		"De reserve is de helper zelf, wil niet benaderd worden of heeft de toestemming ingetrokken. Noem een ander, of niemand.",
		"Reserven är hjälparen själv, vill inte bli kontaktad eller har återkallat sitt samtycke. Ange någon annan, eller ingen.",
	},
	"NW-R07": {
		"This member has said not to want to do this.",
		"Dit lid heeft gezegd dit niet te willen doen.",
		"Den här personen har sagt sig inte vilja göra detta.",
	},
	"NW-R07b": {
		"This member has not offered this. Ask before it is planned.",
		"Dit lid heeft dit niet aangeboden. Vraag het voor het wordt gepland.",
		"Den här personen har inte erbjudit detta. Fråga innan det planeras.",
	},
	"NW-R08": {
		"On one of these days this member is not available.",
		"Op een van deze dagen is dit lid niet beschikbaar.",
		"En av de här dagarna är personen inte tillgänglig.",
	},
	"NW-R09": {
		"Care under instruction needs a professional or an organisation that instructs. Name them in instructieDoor.",
		"Zorg onder instructie vraagt een professional of organisatie die instrueert. Noem die in instructieDoor.",
		"Vård under instruktion kräver en yrkesperson eller organisation som instruerar. Ange den i instructieDoor.",
	},
	"NW-R10": {
		"The network ends on or before the day it was drawn up. Correct one of the dates.",
		"Het netwerk eindigt op of voor de dag waarop het is opgesteld. Verbeter een van de datums.",
		"Nätverket slutar på eller före dagen då det upprättades. Rätta ett av datumen.",
	},
	"NW-R10b": {
		"The network is meant to hold for more than a year.",
		"Het netwerk is bedoeld voor langer dan een jaar.",
		"Nätverket är tänkt att gälla längre än ett år.",
	},
	"NW-R11": {
		"A tie of this helper is tense or broken. Talk about it first.",
		"Een band van deze helper is gespannen of verbroken. Bespreek dat eerst.",
		"Ett band till den här hjälparen är spänt eller brutet. Tala om det först.",
	},
	"NW-R13": {
		"From 12 to 15 years a guardian and the child both decide what a member sees. Name both in gegevenDoor.",
		"Van 12 tot en met 15 jaar beslissen een ouder met gezag en het kind samen wat een lid ziet. Noem beiden in gegevenDoor.",
		"Från 12 till och med 15 år beslutar en vårdnadshavare och barnet tillsammans vad en medlem ser. Ange båda i gegevenDoor.",
	},
	"NW-R13b": {
		"Who decides at this age is not among the givers, or the birth date is not known: the consent opens nothing.",
		"Wie op deze leeftijd beslist staat niet bij de gevers, of de geboortedatum is niet bekend: de toestemming opent niets.",
		"Den som beslutar vid denna ålder finns inte bland givarna, eller så är födelsedatumet okänt: samtycket öppnar ingenting.",
	},
	"NW-T01": {
		"An agreement cannot go to this status from the one that is stored.",
		"Een afspraak kan niet van de bewaarde status naar deze status.",
		"En överenskommelse kan inte gå till denna status från den som är sparad.",
	},
	moreFaults: {
		"There are more faults than these. Mend these and send the record again.",
		"Er zijn meer fouten dan deze. Verbeter deze en stuur het record opnieuw.",
		"Det finns fler fel än dessa. Rätta dem och skicka posten igen.",
	},
}
