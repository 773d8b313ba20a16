package pages

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/postern-id/postern/internal/fault"
)

// A phrasebook is what the templates of one language call.
type phrasebook struct {
	words *catalogue
	lang  string
	now   func() time.Time
}

func (p phrasebook) funcs() template.FuncMap {
	return template.FuncMap{
		"lang":   func() string { return p.lang },
		"t":      p.text,
		"fault":  p.fault,
		"remedy": p.remedy,
		"when":   p.when,
		"whenIn": p.whenIn,
		"asset":  assetPath,
		"icon":   icon,
		"name":   isolate,
		"clean":  clean,
		"phone":  phone,
		"code":   mono,
	}
}

// text returns the words for key. Arguments are pairs of a name and a value; a value
// that is not HTML already is escaped and kept apart from the sentence's direction.
func (p phrasebook) text(key string, args ...any) (template.HTML, error) {
	data := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		switch value := args[i+1].(type) {
		case template.HTML:
			data[fmt.Sprint(args[i])] = string(value)
		default:
			data[fmt.Sprint(args[i])] = string(isolate(fmt.Sprint(value)))
		}
	}
	text, ok := p.words.find(p.lang, key, data)
	if !ok {
		return "", fmt.Errorf("no text %q in %s", key, p.lang)
	}
	return template.HTML(text), nil
}

// fault returns what f says happened.
func (p phrasebook) fault(f *fault.Error) template.HTML {
	return p.translated("fault_"+f.Code, f.Text, Helpdesk{})
}

// remedy returns what f says to do; the sentence may name the helpdesk's number.
func (p phrasebook) remedy(f *fault.Error, h Helpdesk) template.HTML {
	return p.translated("fault_"+f.Code+"_remedy", f.Remedy, h)
}

// translated returns the text for key, or the English sentence of a fault that the
// catalogue does not know, marked as English.
func (p phrasebook) translated(key, sentence string, h Helpdesk) template.HTML {
	if text, ok := p.words.find(p.lang, key, map[string]string{"Phone": string(phone(h.Phone))}); ok {
		return template.HTML(text)
	}
	if sentence == "" {
		return ""
	}
	return template.HTML(`<bdi lang="en">` + template.HTMLEscapeString(clean(sentence)) + `</bdi>`)
}

// when returns at as people say it in zone: "12 November, 10:42". The year is named when
// it is not the current one. A zero time gives nothing.
func (p phrasebook) when(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, false)
}

// whenIn is when with the zone named, for people who may be elsewhere.
func (p phrasebook) whenIn(at time.Time, zone *time.Location) (template.HTML, error) {
	return p.moment(at, zone, true)
}

func (p phrasebook) moment(at time.Time, zone *time.Location, named bool) (template.HTML, error) {
	text, err := p.momentText(at, zone, named)
	if text == "" || err != nil {
		return "", err
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + text + `</time>`), nil
}

// momentText is moment without markup, as letters need it.
func (p phrasebook) momentText(at time.Time, zone *time.Location, named bool) (string, error) {
	if at.IsZero() {
		return "", nil
	}
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	data := map[string]string{"Day": strconv.Itoa(at.Day()), "Time": at.Format("15:04")}
	if at.Year() != p.now().In(zone).Year() {
		data["Year"] = strconv.Itoa(at.Year())
	}
	if named {
		data["Zone"] = zone.String()
	}
	months, _ := p.words.find(p.lang, "months", nil)
	if names := strings.Fields(months); len(names) == 12 {
		data["Month"] = names[at.Month()-1]
	}
	text, ok := p.words.find(p.lang, "moment", data)
	if !ok || data["Month"] == "" {
		return "", fmt.Errorf("no words for times in %s", p.lang)
	}
	return text, nil
}

// icon draws a symbol of icons.svg beside words. States are classes: "good", "turns".
func icon(symbol string, states ...string) (template.HTML, error) {
	if !symbols[symbol] {
		return "", fmt.Errorf("no icon %q", symbol)
	}
	file, err := assetPath("icons.svg")
	if err != nil {
		return "", err
	}
	classes := strings.Join(append([]string{"icon"}, states...), " ")
	return template.HTML(`<svg class="` + classes + `" aria-hidden="true"><use href="` + file + `#` + symbol + `"/></svg>`), nil
}

// isolate shows a value that somebody else chose. It cannot change the order of the words
// around it, whatever script it is in.
func isolate(s string) template.HTML {
	if s == "" {
		return ""
	}
	return template.HTML("<bdi>" + template.HTMLEscapeString(clean(s)) + "</bdi>")
}

// clean removes from s the control characters and those that reorder text (UAX #9
// section 2), which would let a name pose as another.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// phone links a number, so that a phone can dial it. An empty number gives nothing.
func phone(number string) template.HTML {
	digits := strings.Map(func(r rune) rune {
		if r == '+' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, number)
	if digits == "" {
		return ""
	}
	return template.HTML(`<a class="one-line" href="tel:` + digits + `">` + template.HTMLEscapeString(clean(number)) + `</a>`)
}

// mono shows an id or code that is read aloud or copied.
func mono(s string) template.HTML {
	return template.HTML(`<span class="code">` + template.HTMLEscapeString(clean(s)) + `</span>`)
}
