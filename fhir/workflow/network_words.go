package workflow

import "github.com/drieluik/drieluik/fhir"

// helpWords are what is said of a rule of help, in the languages of those who read it. Read only.
var helpWords = map[string]Words{
	ruleStep: {
		"A task of help begins as draft or requested; the helper answers.",
		"Een hulptaak begint als draft of requested; de helper geeft antwoord.",
		"En hjälpuppgift börjar som draft eller requested; hjälparen svarar.",
	},
	ruleTurn: {
		"The reserve, who was asked when nobody answered, has taken this turn. Thank you all the same; decline, or leave it.",
		"De reserve, die gevraagd is toen niemand antwoordde, heeft deze beurt aangenomen. Toch bedankt; wijs af, of laat het zo.",
		"Reserven, som tillfrågades när ingen svarade, har tagit den här turen. Tack ändå; avböj, eller låt det vara.",
	},
	"NW-R01": {
		"An agreement is accepted only after the helper was prepared. Say how, in the extension voorbereiding.",
		"Een afspraak wordt pas aangenomen als de helper is voorbereid. Zeg hoe, in de extensie voorbereiding.",
		"En överenskommelse godtas först när hjälparen har förberetts. Ange hur i tillägget voorbereiding.",
	},
	"NW-R02": {
		"Nobody is named who decided. Name them in the extension beslisser.",
		"Er staat niet wie heeft beslist. Noem die in de extensie beslisser.",
		"Det står inte vem som har beslutat. Ange den personen i tillägget beslisser.",
	},
	"NW-R03": {
		"This member does not want to be approached, or is not known in the network. Ask somebody else.",
		"Dit lid wil niet benaderd worden, of is niet bekend in het netwerk. Vraag iemand anders.",
		"Den här personen vill inte bli kontaktad, eller är inte känd i nätverket. Fråga någon annan.",
	},
	"NW-R04": {
		"This member carries much already.",
		"Dit lid draagt al veel.",
		"Den här personen bär redan mycket.",
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
}

// helpFault is an error by a rule of help.
func helpFault(rule, at string) fhir.Issue { return fault(rule, at, helpWords[rule])[0] }

// Unasked says that somebody may not be asked for help (NW-R03).
func Unasked() fhir.Issue {
	out := helpFault("NW-R03", "")
	out.Code = "forbidden"
	return out
}
