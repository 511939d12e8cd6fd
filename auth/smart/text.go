package smart

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// textVersion numbers the whole text set; any change of a phrase raises it (smart.md 5.4). It is
// written into the Consent.
const textVersion = 4

// languages of the pages; the first is the default.
func languages() []string { return []string{"nl", "sv", "en"} }

// phrase is one text of the pages. {app}, {org}, {child} and the like are filled in.
type phrase struct{ key, nl, sv, en string }

func (p phrase) in(lang string) string {
	switch lang {
	case "sv":
		return p.sv
	case "en":
		return p.en
	}
	return p.nl
}

// phrases is the text set (smart.md 5.3, 5.4): B1, at most 15 words a sentence, active.
func phrases() []phrase {
	return slices.Concat(loginPhrases(), childPhrases(), consentPhrases(), staffPhrases(), emergencyPhrases(), returnPhrases(), errorPhrases(), appPhrases(), logoutPhrases())
}

func loginPhrases() []phrase {
	return []phrase{
		{"login.title", "Inloggen", "Logga in", "Log in"},
		{"login.who", "De app “{app}” van {org} vraagt u om in te loggen.", "Appen ”{app}” från {org} ber dig att logga in.", "The app “{app}” of {org} asks you to log in."},
		{"login.host", "Daarna gaat u terug naar {host}.", "Sedan kommer du tillbaka till {host}.", "After that you return to {host}."},
		{"login.apps", "Log in om te zien welke apps gegevens mogen lezen.", "Logga in för att se vilka appar som får läsa uppgifter.", "Log in to see which apps may read data."},
		{"login.name", "Gebruikersnaam", "Användarnamn", "User name"},
		{"login.password", "Wachtwoord", "Lösenord", "Password"},
		{"login.button", "Inloggen", "Logga in", "Log in"},
		{"login.time", "Deze pagina blijft 15 minuten geldig.", "Sidan gäller i 15 minuter.", "This page is valid for 15 minutes."},
		{"login.elsewhere", "Inloggen met {name}", "Logga in med {name}", "Log in with {name}"},
		{"login.local", "Of met een gebruikersnaam", "Eller med ett användarnamn", "Or with a user name"},
		{"login.failed", "Het inloggen elders is niet gelukt. Probeer het opnieuw.", "Inloggningen på annat håll lyckades inte. Försök igen.", "The login elsewhere failed. Please try again."},
		{"login.slow", "Te veel pogingen. Wacht vijf minuten en probeer het opnieuw.", "För många försök. Vänta fem minuter och försök igen.", "Too many attempts. Wait five minutes and try again."},
		{"wrong", "Inloggen is niet gelukt. Controleer uw gegevens.", "Inloggningen lyckades inte. Kontrollera dina uppgifter.", "Login failed. Check what you entered."},
		{"attention", "Let op", "Observera", "Please note"},
		{"back", "Terug naar de app", "Tillbaka till appen", "Back to the app"},
		{"as", "U bent ingelogd als {login}.", "Du är inloggad som {login}.", "You are logged in as {login}."},
		{"language", "Taal", "Språk", "Language"},
	}
}

func childPhrases() []phrase {
	return []phrase{
		{"child.title", "Kies het kind", "Välj barnet", "Choose the child"},
		{"child.who", "Over welk kind wil de app “{app}” gegevens lezen?", "Vilket barn vill appen ”{app}” läsa uppgifter om?", "About which child does the app “{app}” want to read data?"},
		{"child.born", "Geboren in {year}", "Född {year}", "Born in {year}"},
		{"child.button", "Verder", "Fortsätt", "Continue"},
		{"child.none", "Kies een kind.", "Välj ett barn.", "Choose a child."},
		{"age12", "{child} is 12 jaar of ouder en beslist mee.", "{child} har fyllt 12 år och är med och bestämmer.", "{child} is 12 or older and decides too."},
	}
}

func consentPhrases() []phrase {
	return []phrase{
		{"consent.title", "Toestemming", "Samtycke", "Permission"},
		{"ask", "De app “{app}” van {org} wil gegevens van {child} lezen.", "Appen ”{app}” från {org} vill läsa uppgifter om {child}.", "The app “{app}” of {org} wants to read data about {child}."},
		{"choose", "Kies wat de app mag zien.", "Välj vad appen får se.", "Choose what the app may see."},
		{"needed", "Nodig voor deze app", "Behövs för den här appen", "Needed for this app"},
		{"more", "Meer keuze", "Fler val", "More choice"},
		{"more.hint", "Kies hier losse soorten gegevens in plaats van een hele groep.", "Välj enstaka sorters uppgifter här i stället för en hel grupp.", "Choose single kinds of data here instead of a whole group."},
		{"write", "De app mag ook iets veranderen:", "Appen får också ändra något:", "The app may also change something:"},
		{"not", "Dit ziet de app niet:", "Det här ser appen inte:", "The app does not see:"},
		{"long", "Hoe lang mag dit?", "Hur länge får det gälla?", "For how long?"},
		{"once", "Alleen nu", "Bara nu", "Only now"},
		{"3m", "3 maanden", "3 månader", "3 months"},
		{"1y", "1 jaar", "1 år", "1 year"},
		{"offline", "Ook als u de app niet gebruikt, kan de app gegevens ophalen.", "Appen kan hämta uppgifter även när du inte använder den.", "The app can fetch data also when you are not using it."},
		{"offline.when", "Bij 3 maanden of 1 jaar:", "Vid 3 månader eller 1 år:", "With 3 months or 1 year:"},
		{"stop", "U kunt dit altijd stoppen.", "Du kan alltid stoppa detta.", "You can always stop this."},
		{"stop.where", "Stoppen doet u op de pagina", "Du stoppar det på sidan", "You stop it on the page"},
		{"confirm.before", "U hebt dit al eerder toegestaan.", "Du har redan tillåtit detta.", "You allowed this before."},
		{"confirm.until", "Het mag tot {day}.", "Det gäller till {day}.", "It is allowed until {day}."},
		{"confirm.other", "Iets anders kiezen", "Välj något annat", "Choose something else"},
		{"yes", "Toestaan", "Tillåt", "Allow"},
		{"no", "Weigeren", "Neka", "Refuse"},
		{"tick", "Kies ten minste één soort gegevens.", "Välj minst en sorts uppgifter.", "Choose at least one kind of data."},
	}
}

func staffPhrases() []phrase {
	return []phrase{
		{"staff.title", "App openen", "Öppna appen", "Open the app"},
		{"staff.ask", "De app “{app}” van {org} wil het dossier van {child} openen.", "Appen ”{app}” från {org} vill öppna journalen för {child}.", "The app “{app}” of {org} wants to open the record of {child}."},
		{"staff.alone", "De app “{app}” van {org} wil gegevens lezen in uw naam.", "Appen ”{app}” från {org} vill läsa uppgifter i ditt namn.", "The app “{app}” of {org} wants to read data in your name."},
		{"staff.born", "{child} is geboren in {year}.", "{child} är född {year}.", "{child} was born in {year}."},
		{"staff.rights", "De app mag nooit meer dan u zelf mag. Het gaat om:", "Appen får aldrig mer än du själv får. Det gäller:", "The app may never do more than you may. It is about:"},
		{"opened.title", "De app gaat open", "Appen öppnas", "The app opens"},
		{"opened.text", "De app “{app}” opent het dossier van {child}.", "Appen ”{app}” öppnar journalen för {child}.", "The app “{app}” opens the record of {child}."},
	}
}

func emergencyPhrases() []phrase {
	return []phrase{
		{"emergency.title", "Openen in een noodgeval", "Öppna i en nödsituation", "Open in an emergency"},
		{"emergency.ask", "De app “{app}” van {org} wil in een noodgeval gegevens lezen.", "Appen ”{app}” från {org} vill läsa uppgifter i en nödsituation.", "The app “{app}” of {org} wants to read data in an emergency."},
		{"emergency.rights", "U ziet dan ook wat u anders niet mag zien.", "Du ser då även det som du annars inte får se.", "You then also see what you may not see otherwise."},
		{"emergency.recorded", "Dit leggen wij vast:", "Det här sparar vi:", "We record:"},
		{"emergency.who", "wie u bent en voor welke organisatie u werkt", "vem du är och vilken organisation du arbetar för", "who you are and for which organisation you work"},
		{"emergency.what", "wat u bekijkt en wanneer", "vad du tittar på och när", "what you look at and when"},
		{"emergency.why", "de reden die u hier geeft", "skälet som du anger här", "the reason that you give here"},
		{"emergency.told", "De familie kan dit lezen, ook uw reden. Het gebruik wordt gecontroleerd.", "Familjen kan läsa detta, även ditt skäl. Användningen granskas.", "The family can read this, with your reason. The use is reviewed."},
		{"emergency.time", "Na {minutes} minuten sluit de toegang.", "Efter {minutes} minuter stängs åtkomsten.", "After {minutes} minutes access closes."},
		{"emergency.reason", "Waarom is dit nodig?", "Varför behövs det?", "Why is this needed?"},
		{"emergency.hint", "Schrijf ten minste 10 tekens. Noem geen namen.", "Skriv minst 10 tecken. Nämn inga namn.", "Write at least 10 characters. Name nobody."},
		{"emergency.short", "Geef een reden van 10 tot 500 tekens.", "Ange ett skäl på 10 till 500 tecken.", "Give a reason of 10 to 500 characters."},
		{"emergency.no", "Niet openen", "Öppna inte", "Do not open"},
		{"emergency.yes", "Openen", "Öppna", "Open"},
	}
}

func returnPhrases() []phrase {
	return []phrase{
		{"continue.title", "U gaat terug", "Du går tillbaka", "You are going back"},
		{"continue.text", "U gaat terug naar “{app}”.", "Du går tillbaka till ”{app}”.", "You return to “{app}”."},
		{"continue.link", "Ga verder naar “{app}”", "Fortsätt till ”{app}”", "Continue to “{app}”"},
		{"refused.title", "U hebt geweigerd", "Du har nekat", "You refused"},
		{"refused.text", "De app “{app}” krijgt geen gegevens.", "Appen ”{app}” får inga uppgifter.", "The app “{app}” gets no data."},
	}
}

func errorPhrases() []phrase {
	return []phrase{
		{"error.title", "Dat ging niet", "Det gick inte", "That did not work"},
		{"error.number", "Nummer van deze melding: {id}", "Meddelandets nummer: {id}", "Number of this message: {id}"},
		{"error.details", "Voor de maker van de app", "För den som gör appen", "For the maker of the app"},
		{"unknown", "Wij kennen u hier nog niet. Vraag uw zorgverlener om hulp.", "Du är inte registrerad här. Be din vårdgivare om hjälp.", "We do not know you here yet. Ask your care provider for help."},
		{"nochild", "U kunt hier van geen kind gegevens delen. Vraag uw zorgverlener om hulp.", "Du kan inte dela uppgifter om något barn här. Be din vårdgivare om hjälp.", "You cannot share data of any child here. Ask your care provider for help."},
		{"nopatient", "U mag de gegevens van dit kind niet zien. Vraag uw collega om hulp.", "Du får inte se uppgifter om det här barnet. Be en kollega om hjälp.", "You may not see the data of this child. Ask a colleague for help."},
		{"otheruser", "De app werd geopend voor iemand anders. Open de app opnieuw vanuit uw eigen systeem.", "Appen öppnades för någon annan. Öppna appen igen från ditt eget system.", "The app was opened for somebody else. Open the app again from your own system."},
		{"noemergency", "Uw organisatie mag hier in een noodgeval niets openen. Vraag uw collega om hulp.", "Din organisation får inte öppna något här i en nödsituation. Be en kollega om hjälp.", "Your organisation may not open anything here in an emergency. Ask a colleague for help."},
		{"nothing", "Deze app kan met uw account niets openen. Vraag de maker van de app om hulp.", "Appen kan inte öppna något med ditt konto. Be den som gör appen om hjälp.", "This app cannot open anything with your account. Ask the maker of the app for help."},
		{"late", "Deze pagina is verlopen. Ga terug naar de app en begin opnieuw.", "Sidan har gått ut. Gå tillbaka till appen och börja om.", "This page has expired. Go back to the app and start again."},
		{"broken", "De app stuurde een verkeerde vraag. U kunt hier niets aan doen.", "Appen skickade en felaktig begäran. Du har inte gjort något fel.", "The app sent a wrong request. You did nothing wrong."},
		{"down", "Het lukt nu niet. Wacht even en probeer het opnieuw.", "Det går inte just nu. Vänta en stund och försök igen.", "It does not work right now. Wait a moment and try again."},
	}
}

func appPhrases() []phrase {
	return []phrase{
		{"apps.title", "Uw apps", "Dina appar", "Your apps"},
		{"apps.none", "Geen enkele app mag nu gegevens lezen.", "Ingen app får läsa uppgifter just nu.", "No app may read data right now."},
		{"apps.staff", "Apps die u voor uw werk opent, stoppen als u uitlogt.", "Appar som du öppnar i arbetet stoppas när du loggar ut.", "Apps that you open for your work stop when you log out."},
		{"apps.none.mine", "Geen enkele app leest nu gegevens in uw naam.", "Ingen app läser uppgifter i ditt namn just nu.", "No app reads data in your name right now."},
		{"apps.mine", "Apps die in uw naam werken", "Appar som arbetar i ditt namn", "Apps that work in your name"},
		{"apps.child", "Apps die gegevens van {child} lezen", "Appar som läser uppgifter om {child}", "Apps that read data about {child}"},
		{"apps.app", "App", "App", "App"},
		{"apps.org", "Organisatie", "Organisation", "Organisation"},
		{"apps.what", "Wat", "Vad", "What"},
		{"apps.since", "Sinds", "Sedan", "Since"},
		{"apps.used", "Laatst gebruikt", "Senast använd", "Last used"},
		{"apps.never", "Nog niet", "Inte än", "Not yet"},
		{"apps.until", "Tot", "Till och med", "Until"},
		{"apps.withdraw", "Stoppen", "Stoppa", "Stop"},
		{"apps.withdraw.of", "Stoppen met “{app}” voor {child}", "Stoppa ”{app}” för {child}", "Stop “{app}” for {child}"},
		{"apps.withdraw.app", "Stoppen met “{app}”", "Stoppa ”{app}”", "Stop “{app}”"},
		{"apps.until.logout", "{time}, of eerder als u uitlogt", "{time}, eller tidigare när du loggar ut", "{time}, or earlier when you log out"},
		{"apps.sure", "Wilt u “{app}” stoppen?", "Vill du stoppa ”{app}”?", "Do you want to stop “{app}”?"},
		{"apps.effect", "De app kan dan geen gegevens van {child} meer lezen.", "Appen kan då inte längre läsa uppgifter om {child}.", "The app can then no longer read data about {child}."},
		{"apps.effect.mine", "De app kan dan niets meer in uw naam lezen of veranderen.", "Appen kan då inte längre läsa eller ändra något i ditt namn.", "The app can then no longer read or change anything in your name."},
		{"apps.keep", "Niet stoppen", "Stoppa inte", "Do not stop"},
		{"apps.log", "Bekijk wie er keek", "Se vem som har tittat", "See who looked"},
		{"apps.gone", "Deze app", "Den här appen", "This app"},
	}
}

func logoutPhrases() []phrase {
	return []phrase{
		{"logout.title", "Uitloggen", "Logga ut", "Log out"},
		{"logout.text", "Apps met toestemming voor alleen nu stoppen dan ook.", "Appar med tillåtelse bara för nu stoppas då också.", "Apps that you allowed only for now stop too."},
		{"logout.done", "U bent uitgelogd.", "Du är utloggad.", "You are logged out."},
		{"logout.not", "U bent niet ingelogd.", "Du är inte inloggad.", "You are not logged in."},
	}
}

// months are the names of the months, January first.
func months() phrase {
	return phrase{
		"months",
		"januari februari maart april mei juni juli augustus september oktober november december",
		"januari februari mars april maj juni juli augusti september oktober november december",
		"January February March April May June July August September October November December",
	}
}

// homeZone gives the clock of the readers: the Netherlands and Sweden have the same one.
var homeZone = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		return time.UTC // main embeds the zones
	}
	return zone
})

// dayText is a date as a person writes it, by the clock on the reader's wall.
func dayText(lang string, t time.Time) string {
	year, month, day := t.In(homeZone()).Date()
	return strconv.Itoa(day) + " " + strings.Fields(months().in(lang))[month-1] + " " + strconv.Itoa(year)
}

// timeText is a date and a time of day, for what lasts hours.
func timeText(lang string, t time.Time) string {
	return dayText(lang, t) + ", " + t.In(homeZone()).Format("15:04")
}

// indexedPhrases returns phrases, groups and words by key.
func indexedPhrases() map[string]phrase {
	m := map[string]phrase{}
	for _, p := range phrases() {
		m[p.key] = p
	}
	for _, g := range groups() {
		m["group."+g.name.key] = g.name
	}
	for _, w := range typeWords() {
		m["type."+w.key] = w
	}
	for _, c := range categories() {
		m["category."+c.name.key] = c.name
	}
	return m
}

// fill puts name and value pairs into the places of a phrase.
func fill(text string, pairs []string) (string, error) {
	if len(pairs)%2 != 0 {
		return "", fmt.Errorf("phrase: a name without a value")
	}
	old := make([]string, len(pairs))
	for i, p := range pairs {
		old[i] = p
		if i%2 == 0 {
			old[i] = "{" + p + "}"
		}
	}
	return strings.NewReplacer(old...).Replace(text), nil
}

// languageOf chooses the language of a page: what the page's switch or ui_locales asks, the cookie,
// Accept-Language, else the first of the list.
func languageOf(asked, cookie string, h http.Header) string {
	for _, list := range []string{asked, cookie, strings.Join(h.Values("Accept-Language"), ",")} {
		words := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
		for _, word := range words {
			tag, _, _ := strings.Cut(word, ";")
			primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
			for _, known := range languages() {
				if primary == known {
					return known
				}
			}
		}
	}
	return languages()[0]
}
