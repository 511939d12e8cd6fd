package record

import "github.com/drieluik/drieluik/fhir"

// said is what is said of a rule, in English and in Dutch.
type said struct{ en, nl string }

func english() map[string]string {
	out := make(map[string]string, len(ruleTexts))
	for rule, s := range ruleTexts {
		out[rule] = s.en
	}
	return out
}

func dutch() map[string]fhir.Translations {
	out := make(map[string]fhir.Translations, len(ruleTexts))
	for rule, s := range ruleTexts {
		out[rule] = fhir.Translations{NL: s.nl}
	}
	return out
}

// ruleTexts is read only.
var ruleTexts = map[string]said{
	"MKS-ENV-01": {
		"A required member is missing or empty. Send it.",
		"Een verplicht veld ontbreekt of is leeg. Stuur het mee.",
	},
	"MKS-ENV-02": {
		"The value has the wrong JSON type or format. Send it as the member table says.",
		"De waarde heeft het verkeerde JSON-type of formaat. Stuur haar zoals de veldentabel zegt.",
	},
	"MKS-ENV-03": {
		"The code is not in the closed list of this member.",
		"De code staat niet in de gesloten lijst van dit veld.",
	},
	"MKS-ENV-04": {
		"This member is not known in mks-bron/1. It is kept, not interpreted.",
		"Dit veld is niet bekend in mks-bron/1. Het wordt bewaard, niet uitgelegd.",
	},
	"MKS-ENV-05": {
		"The BSN fails the 11-proef.",
		"Het BSN voldoet niet aan de 11-proef.",
	},
	"MKS-ENV-06": {
		"The identifying number has the wrong length or other characters than digits.",
		"Het nummer heeft de verkeerde lengte of andere tekens dan cijfers.",
	},
	"MKS-ENV-07": {
		"The time of recording lies more than five minutes in the future.",
		"Het tijdstip van vastleggen ligt meer dan vijf minuten in de toekomst.",
	},
	"MKS-ENV-08": {
		"The local id is a BSN. Send an id that identifies nobody outside the source system.",
		"Het lokale id is een BSN. Stuur een id dat buiten het bronsysteem niemand aanwijst.",
	},
	"MKS-ENV-09": {
		"A withdrawn record needs the reason of the withdrawal.",
		"Een ingetrokken record heeft de reden van intrekking nodig.",
	},
	"MKS-ENV-11": {
		"This local id is known with another BSN.",
		"Dit lokale id is bekend met een ander BSN.",
	},
	"MKS-ENV-14": {
		"Two items of the list have the same id.",
		"Twee items van de lijst hebben hetzelfde id.",
	},
	"MKS-ENV-15": {
		"The end lies before the start.",
		"Het einde ligt voor het begin.",
	},
	"MKS-ENV-16": {
		"This member is empty: it means absent. It is kept for the way back.",
		"Dit veld is leeg: dat betekent afwezig. Het wordt bewaard voor de weg terug.",
	},
	"MKS-REF-01": {
		"No child record of this source is stored yet: the reference stays logical until it comes.",
		"Van deze bron is nog geen kind-record opgeslagen: de verwijzing blijft logisch tot het er is.",
	},
	"MKS-REF-02": {
		"The reference names nothing in the lists of the child record.",
		"De verwijzing noemt niets uit de lijsten van het kind-record.",
	},
	"MKS-REF-03": {
		"The reference names something of another kind than this member takes.",
		"De verwijzing noemt iets van een andere soort dan dit veld toelaat.",
	},
	"MKS-REF-04": {
		"The named record is not stored: its identifier alone is kept.",
		"Het genoemde record is niet opgeslagen: alleen de identificatie wordt bewaard.",
	},
	"MKS-REF-05": {
		"The id is not found in this record.",
		"Het id komt in dit record niet voor.",
	},
	moreFaults: {
		"There are more faults than these. Mend these and send the record again.",
		"Er zijn meer fouten dan deze. Herstel deze en stuur het record opnieuw.",
	},

	"MKS-KIND-01": {
		"The birth date lies after the time of recording. Correct one of them.",
		"De geboortedatum ligt na het tijdstip van vastleggen. Verbeter een van beide.",
	},
	"MKS-KIND-02": {
		"The child is 18 or older at the time of recording. Check the birth date; from 23 on the record is refused.",
		"Het kind is bij het vastleggen 18 of ouder. Controleer de geboortedatum; vanaf 23 wordt het record geweigerd.",
	},
	"MKS-KIND-03": {
		"The number of holders does not fit the kind of authority: two for two parents, one for one parent, none while nobody has it.",
		"Het aantal gezagsdragers past niet bij de soort gezag: twee bij twee ouders, een bij een ouder, geen zolang niemand gezag heeft.",
	},
	"MKS-KIND-04": {
		"A holder does not fit the kind of authority: parents for parental authority, one parent and another for joint authority, no parent for guardianship.",
		"Een gezagsdrager past niet bij de soort gezag: ouders bij ouderlijk gezag, een ouder en een ander bij gezamenlijk gezag, geen ouder bij voogdij.",
	},
	"MKS-KIND-05": {
		"The team needs exactly one active zorgcoordinator.",
		"Het team heeft precies een actieve zorgcoördinator nodig.",
	},
	"MKS-KIND-06": {
		"The team has more than one active gezinscoordinator. Keep one.",
		"Het team heeft meer dan een actieve gezinscoördinator. Houd er een.",
	},
	"MKS-KIND-07": {
		"The team has nurses and no active gezinscoordinator. Name one.",
		"Het team heeft verpleegkundigen en geen actieve gezinscoördinator. Noem er een.",
	},
	"MKS-KIND-08": {
		"The team needs exactly one active hoofdbehandelaar.",
		"Het team heeft precies een actieve hoofdbehandelaar nodig.",
	},
	"MKS-KIND-09": {
		"The authority was checked more than 180 days ago. Check it again.",
		"Het gezag is meer dan 180 dagen geleden gecontroleerd. Controleer het opnieuw.",
	},
	"MKS-KIND-10": {
		"No authority is given: no parent gets access until it is.",
		"Er is geen gezag opgegeven: tot dat er is, krijgt geen ouder toegang.",
	},
	"MKS-KIND-11": {
		"A holder of authority is sealed off: the seal wins.",
		"Een gezagsdrager is afgeschermd: de afscherming gaat voor.",
	},
	"MKS-KIND-12": {
		"Another organisation recorded another birth date. The one of the child's custodian stands.",
		"Een andere organisatie heeft een andere geboortedatum vastgelegd. Die van de dossierhouder van het kind geldt.",
	},
	"MKS-KIND-13": {
		"Two persons have the same BSN, or one has that of the child. Correct it.",
		"Twee personen hebben hetzelfde BSN, of een heeft dat van het kind. Verbeter het.",
	},
	"MKS-KIND-14": {
		"A volunteer has no organisation. Name the one behind the volunteer.",
		"Een vrijwilliger heeft geen organisatie. Noem de organisatie achter de vrijwilliger.",
	},
	"MKS-KIND-15": {
		"The Dutch postcode is malformed: four digits and two capitals.",
		"De Nederlandse postcode klopt niet: vier cijfers en twee hoofdletters.",
	},
	"MKS-KIND-16": {
		"The insurance names no insurer: give uzovi or naam.",
		"De verzekering noemt geen verzekeraar: geef uzovi of naam.",
	},
	"MKS-MRG-01": {
		"Another source system sent another value. The value of the latest record stands.",
		"Een ander bronsysteem stuurde een andere waarde. De waarde van het laatste record geldt.",
	},

	"MKS-HBS-01": {
		"The scan needs the four child-life domains, each of them once.",
		"De scan heeft de vier kinderleefdomeinen nodig, elk een keer.",
	},
	"MKS-HBS-02": {
		"The item is not one of this domain. Move the need to its domain.",
		"Het item hoort niet bij dit domein. Zet de behoefte in het domein waar zij hoort.",
	},
	"MKS-HBS-03": {
		"The item was used before in this scan. Name each item once.",
		"Het item is in deze scan al gebruikt. Noem elk item een keer.",
	},
	"MKS-HBS-04": {
		"The child was not heard: give the reason.",
		"Het kind is niet gehoord: geef de reden.",
	},
	"MKS-HBS-05": {
		"A child of 12 or older was not heard.",
		"Een kind van 12 of ouder is niet gehoord.",
	},
	"MKS-HBS-06": {
		"A repeated scan does not name the one before it. Give vorigeScan.",
		"Een herhaalde scan noemt de vorige niet. Geef vorigeScan.",
	},
	"MKS-HBS-07": {
		"A need of level 3 or 4 has no explanation. Give toelichting.",
		"Een behoefte van niveau 3 of 4 heeft geen toelichting. Geef toelichting.",
	},
	"MKS-HBS-08": {
		"The need is about another person than the child: of the family that person alone can read it, and the form.",
		"De behoefte gaat over een ander dan het kind: van het gezin kan alleen diegene haar lezen, en het formulier.",
	},
	"MKS-HBS-09": {
		"Not all 27 items of the form were answered: the domains are incomplete.",
		"Niet alle 27 items van het formulier zijn beantwoord: de domeinen zijn onvolledig.",
	},
	"MKS-HBS-10": {
		"This day lies after the record was made. Correct one of the times.",
		"Deze dag ligt na het maken van het record. Verbeter een van de tijden.",
	},

	"MKS-EV-01": {
		"No parent, guardian or foster parent took part: record who informed them, and when.",
		"Er nam geen ouder, voogd of pleegouder deel: leg vast wie hen heeft geïnformeerd, en wanneer.",
	},
	"MKS-EV-02": {
		"This evaluation needs the current zorgcoordinator and somebody who speaks for the child: a parent, guardian, foster parent, jeugdbeschermer, or the child from 16 on.",
		"Deze evaluatie heeft de huidige zorgcoördinator nodig en iemand die voor het kind spreekt: een ouder, voogd, pleegouder, jeugdbeschermer, of vanaf 16 het kind zelf.",
	},
	"MKS-EV-03": {
		"A closing evaluation decides afsluiten.",
		"Een afsluitende evaluatie besluit afsluiten.",
	},
	"MKS-EV-04": {
		"The plan is to be adjusted: name the version that follows.",
		"Het plan wordt bijgesteld: noem de versie die volgt.",
	},
	"MKS-EV-05": {
		"The goal is not one of this version of the plan.",
		"Het doel hoort niet bij deze versie van het plan.",
	},
	"MKS-EV-06": {
		"The day of the evaluation lies after the record was made. Correct one of the times.",
		"De dag van de evaluatie ligt na het maken van het record. Verbeter een van de tijden.",
	},
	"MKS-EV-07": {
		"The closing evaluation leaves out a goal of the plan.",
		"De afsluitende evaluatie laat een doel van het plan weg.",
	},

	"MKS-ZP-01": {
		"The replaced version is not lower than this version.",
		"De vervangen versie is niet lager dan deze versie.",
	},
	"MKS-ZP-02": {
		"The domain is not one of the division that the plan uses.",
		"Het domein hoort niet bij de indeling die het plan gebruikt.",
	},
	"MKS-ZP-03": {
		"The action names nobody who does it. Give uitvoerder.",
		"De actie noemt niemand die haar doet. Geef uitvoerder.",
	},
	"MKS-ZP-04": {
		"The kind of executor does not fit whom the reference names.",
		"De soort uitvoerder past niet bij wie de verwijzing noemt.",
	},
	"MKS-ZP-05": {
		"An action needs exactly one of tijden, frequentie and conditie.",
		"Een actie heeft precies een van tijden, frequentie en conditie nodig.",
	},
	"MKS-ZP-06": {
		"Nobody does the action at one of its times. Give each time an executor.",
		"Op een van de tijden doet niemand de actie. Geef elke tijd een uitvoerder.",
	},
	"MKS-ZP-07": {
		"A moment of the executor is not one of the times of the action.",
		"Een moment van de uitvoerder is geen tijd van de actie.",
	},
	"MKS-ZP-08": {
		"A reserved act may not be done by a volunteer or by a professional without BIG.",
		"Een voorbehouden handeling mag niet worden gedaan door een vrijwilliger of door een professional zonder BIG.",
	},
	"MKS-ZP-09": {
		"A reserved act is done by family without a recorded competence. Record bekwaam.",
		"Een voorbehouden handeling wordt gedaan door familie zonder vastgelegde bekwaamheid. Leg bekwaam vast.",
	},
	"MKS-ZP-10": {
		"A definitive plan needs an evaluatie-ouders twice a year with the zorgcoordinator and a parent or the child.",
		"Een definitief plan heeft twee keer per jaar een evaluatie-ouders nodig, met de zorgcoördinator en een ouder of het kind.",
	},
	"MKS-ZP-11": {
		"The plan was not drawn up by the current zorgcoordinator.",
		"Het plan is niet opgesteld door de huidige zorgcoördinator.",
	},
	"MKS-ZP-12": {
		"The plan is not signed by those who must sign: it is held as a draft, and the version in force stays.",
		"Het plan is niet ondertekend door wie moet tekenen: het geldt als concept, en de versie die van kracht is blijft dat.",
	},
	"MKS-ZP-13": {
		"A changed plan needs wijziging, made through the current zorgcoordinator.",
		"Een gewijzigd plan heeft wijziging nodig, gemaakt via de huidige zorgcoördinator.",
	},
	"MKS-ZP-14": {
		"The plan has nursing care but no noodplan.",
		"Het plan heeft verpleegkundige zorg maar geen noodplan.",
	},
	"MKS-ZP-15": {
		"The goal does not say with whom it was set.",
		"Het doel zegt niet met wie het is opgesteld.",
	},
	"MKS-ZP-16": {
		"The signature is for another version of the plan.",
		"De handtekening is voor een andere versie van het plan.",
	},
	"MKS-ZP-17": {
		"The law and part of care are no stored outcome of a verwijsboom.",
		"Wet en zorgonderdeel zijn geen opgeslagen uitkomst van een verwijsboom.",
	},
	"MKS-WF-12": {
		"One parent does more than 21 actions a week. Ask whether that can be borne, and who can take over.",
		"Een ouder doet meer dan 21 acties per week. Vraag of dat vol te houden is, en wie kan overnemen.",
	},

	"MKS-OVD-01": {
		"The variant does not fit the age on the day of the transfer: 0-1 before the first birthday, 1-18 from it on.",
		"De variant past niet bij de leeftijd op de dag van de overdracht: 0-1 voor de eerste verjaardag, 1-18 vanaf die dag.",
	},
	"MKS-OVD-03": {
		"A transfer needs at least one medical diagnosis and one practitioner.",
		"Een overdracht heeft minstens een medische diagnose en een behandelaar nodig.",
	},
	"MKS-OVD-04": {
		"Sender and receiver are the same organisation. Name the receiver.",
		"Verzender en ontvanger zijn dezelfde organisatie. Noem de ontvanger.",
	},
	"MKS-OVD-05": {
		"No insurance of the child is known. Send a child record with verzekering.",
		"Van het kind is geen verzekering bekend. Stuur een kind-record met verzekering.",
	},
	"MKS-OVD-06": {
		"This was measured after the record was made. Correct one of the times.",
		"Dit is gemeten na het maken van het record. Verbeter een van de tijden.",
	},
	"MKS-OVD-07": {
		"The measured value is outside the bounds of what is possible. Check value and unit.",
		"De meetwaarde ligt buiten wat mogelijk is. Controleer waarde en eenheid.",
	},
	"MKS-OVD-08": {
		"The score is outside its scale: FLACC and NRS 0 to 10, COMFORT 6 to 30.",
		"De score valt buiten de schaal: FLACC en NRS 0 tot 10, COMFORT 6 tot 30.",
	},
	"MKS-OVD-09": {
		"The digest is not a SHA-256 in 64 lower-case hex digits.",
		"De digest is geen SHA-256 in 64 kleine hexadecimale tekens.",
	},
	"MKS-OVD-10": {
		"This member is not part of the age variant: head circumference is for 0-1, mobility for 1-18.",
		"Dit veld hoort niet bij de leeftijdsvariant: schedelomtrek is voor 0-1, mobiliteit voor 1-18.",
	},
	"MKS-OVD-11": {
		"No three-way talk of family, hospital and home care was held. Plan one before the transfer.",
		"Er is geen drieluikgesprek van gezin, ziekenhuis en thuiszorg gehouden. Plan er een voor de overdracht.",
	},
	"MKS-OVD-12": {
		"The talk was held: give its date.",
		"Het gesprek is gehouden: geef de datum.",
	},
	"MKS-OVD-13": {
		"The sender is another organisation than the source system. Send your own transfers only.",
		"De verzender is een andere organisatie dan het bronsysteem. Stuur alleen eigen overdrachten.",
	},
	"MKS-OVD-14": {
		"The end of the admission is missing. Send it when it is known.",
		"Het einde van de opname ontbreekt. Stuur het zodra het bekend is.",
	},
	"MKS-OVD-15": {
		"The authority differs from the one that is stored. Check it, and send a child record when it changed.",
		"Het gezag verschilt van het opgeslagen gezag. Controleer het, en stuur een kind-record als het is veranderd.",
	},

	"MKS-TOE-01": {
		"The consent is not given by who must give it at this age: a holder below 12, the child from 16 on.",
		"De toestemming is niet gegeven door wie haar op deze leeftijd moet geven: onder 12 een gezagsdrager, vanaf 16 het kind.",
	},
	"MKS-TOE-02": {
		"A giver has no authority over the child. Only holders of authority, the child, or the guardian's officer give consent.",
		"Een gever heeft geen gezag over het kind. Alleen gezagsdragers, het kind of de jeugdbeschermer geven toestemming.",
	},
	"MKS-TOE-03": {
		"The kind of consent does not fit its content: an objection refuses; an implied consent permits one organisation, for one transfer, until a day.",
		"De soort toestemming past niet bij de inhoud: een bezwaar weigert; een veronderstelde toestemming staat een organisatie toe, voor een overdracht, tot een dag.",
	},
	"MKS-TOE-04": {
		"The consent ends on the day before the birthday at which others decide.",
		"De toestemming eindigt op de dag voor de verjaardag waarop anderen beslissen.",
	},
	"MKS-TOE-05": {
		"An exception must decide the opposite of the base, and has no exceptions of its own.",
		"Een uitzondering moet het tegendeel van de basis besluiten, en heeft zelf geen uitzonderingen.",
	},
	"MKS-TOE-06": {
		"The receiver does not fit its kind: an organisation, a person, a category, or the kindteam without a reference.",
		"De ontvanger past niet bij zijn soort: een organisatie, een persoon, een categorie, of het kindteam zonder verwijzing.",
	},
	"MKS-TOE-08": {
		"An objection against this receiver is stored: it wins over this consent.",
		"Er is een bezwaar tegen deze ontvanger opgeslagen: dat gaat voor deze toestemming.",
	},
	"MKS-TOE-09": {
		"From 12 to 15 child and holder both decide: the consent waits until both have given it.",
		"Van 12 tot en met 15 beslissen kind en gezagsdrager samen: de toestemming wacht tot beiden haar hebben gegeven.",
	},
	"MKS-TOE-10": {
		"This consent was withdrawn. It stays so until it is given again, at a later moment than before.",
		"Deze toestemming is ingetrokken. Dat blijft zo tot zij opnieuw wordt gegeven, op een later moment dan de vorige.",
	},

	"MKS-VB-01": {
		"A required answer of the verwijsboom is missing. Answer it.",
		"Een verplicht antwoord van de verwijsboom ontbreekt. Beantwoord het.",
	},
	"MKS-VB-03": {
		"The outcomes are not those of the decision table. Correct them or give afwijkingReden.",
		"De uitkomsten zijn niet die van de beslistabel. Verbeter ze of geef afwijkingReden.",
	},
	"MKS-VB-04": {
		"The outcomes are not those of the decision table; a reason is given.",
		"De uitkomsten zijn niet die van de beslistabel; er is een reden gegeven.",
	},
	"MKS-VB-05": {
		"The age is not that of the child in completed years on this day.",
		"De leeftijd is niet die van het kind in voltooide jaren op deze dag.",
	},
	"MKS-VB-06": {
		"Care under the Zvw is indicated by a children's nurse with a BIG number. Name one.",
		"Zorg uit de Zvw wordt geïndiceerd door een kinderverpleegkundige met een BIG-nummer. Noem er een.",
	},
	"MKS-VB-07": {
		"There are hours for a part of care that is no outcome. Add the outcome or leave the hours out.",
		"Er zijn uren voor een zorgonderdeel dat geen uitkomst is. Voeg de uitkomst toe of laat de uren weg.",
	},
	"MKS-VB-08": {
		"The hours together are more than a week has.",
		"De uren samen zijn meer dan een week heeft.",
	},
	"MKS-VB-09": {
		"Nursing acts are needed: say which.",
		"Verpleegkundige handelingen zijn nodig: zeg welke.",
	},
	"MKS-VB-10": {
		"The indication is longer than 366 days.",
		"De indicatie is langer dan 366 dagen.",
	},
	"MKS-VB-11": {
		"A pgb, whole or in part, needs the grounds of the indication.",
		"Een pgb, geheel of gedeeltelijk, heeft de onderbouwing van de indicatie nodig.",
	},
	"MKS-VB-12": {
		"Check at the fifth birthday again whether the Wlz applies.",
		"Ga bij de vijfde verjaardag opnieuw na of de Wlz geldt.",
	},
	"MKS-VB-13": {
		"Without a somatic condition the child is outside the population of MKS.",
		"Zonder somatische aandoening valt het kind buiten de doelgroep van het MKS.",
	},
	"MKS-VB-14": {
		"Palliative-terminal care: an individual palliative plan applies.",
		"Palliatief-terminale zorg: er geldt een individueel palliatief zorgplan.",
	},

	"MKS-BB-01": {
		"A closing tree needs the closing evaluation. Name its record.",
		"Een beslisboom afsluiting heeft de afsluitende evaluatie nodig. Noem het record.",
	},
	"MKS-BB-02": {
		"The named evaluation is no stored closing evaluation of this child. Send it first.",
		"De genoemde evaluatie is geen opgeslagen afsluitende evaluatie van dit kind. Stuur die eerst.",
	},
	"MKS-BB-03": {
		"The outcomes are not those of the decision table. Correct them or give afwijkingReden.",
		"De uitkomsten zijn niet die van de beslistabel. Verbeter ze of geef afwijkingReden.",
	},
	"MKS-BB-04": {
		"The outcomes are not those of the decision table; a reason is given.",
		"De uitkomsten zijn niet die van de beslistabel; er is een reden gegeven.",
	},
	"MKS-BB-05": {
		"When no professional support follows, the kinderarts or the huisarts must be informed.",
		"Als er geen professionele ondersteuning volgt, moet de kinderarts of de huisarts worden geïnformeerd.",
	},
	"MKS-BB-06": {
		"The Wlz under five years is rare. Check age and outcome.",
		"De Wlz onder de vijf jaar is zeldzaam. Controleer leeftijd en uitkomst.",
	},
	"MKS-BB-07": {
		"Another provider or adult care takes over, but no overdracht is named.",
		"Een andere aanbieder of de volwassenenzorg neemt over, maar er is geen overdracht genoemd.",
	},
	"MKS-BB-08": {
		"Nursing care is still needed outside the Wlz: say who continues it.",
		"Buiten de Wlz blijft verpleegkundige zorg nodig: zeg wie die voortzet.",
	},
	"MKS-BB-09": {
		"Adult care before sixteen is rare. Check age and outcome.",
		"Volwassenenzorg voor zestien jaar is zeldzaam. Controleer leeftijd en uitkomst.",
	},
	"MKS-BB-10": {
		"The age is not that of the child in completed years on this day.",
		"De leeftijd is niet die van het kind in voltooide jaren op deze dag.",
	},
}
