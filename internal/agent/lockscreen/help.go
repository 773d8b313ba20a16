package lockscreen

import (
	"context"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/devicepolicy"
)

// helpPage is help.html: how the device is, why a way in is missing, and whom to ask.
type helpPage struct {
	frame
	Joined   bool
	Refused  *trouble // why nobody can use the device
	JoinType device.JoinType
	DeviceID string
	Server   string
	Contact  time.Time // the last one, in the tenant's zone
	Options  []option
	Text     string // the administrator's
	First    option // the administrator's choice of what comes first; no method without one
	Repairs  *agent.Repairs
	Busy     bool
}

func (helpPage) file() string { return "help.html" }

// An option says of a way in whether it is there, and who decided.
type option struct {
	Method Method
	On     bool
	Why    string // key of the sentence
	Policy string // name of the policy that decided; empty without one
}

// showHelp serves GET /help.
func (s *Screen) showHelp(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	a, repairs := s.attempt, s.repairs
	s.mu.Unlock()
	p := helpPage{frame: s.frame(r, a), Repairs: repairs}
	if err := s.agent.Usable(); err != nil {
		p.Refused = s.refusal(r.Context(), a, err)
	}
	if d, err := s.agent.Device(); err == nil {
		i := d.Identity()
		p.Joined, p.JoinType, p.DeviceID, p.Server = true, i.JoinType, i.DeviceID, i.Server
		if at := d.Policy.SignedAt(); !at.IsZero() {
			p.Contact = at.In(p.Now.Location())
		}
		p.Text = d.Settings("")[devicepolicy.HelpText].Value.Text()
		p.Options, p.First = s.options(d), firstChoice(d)
	}
	s.page(w, r, http.StatusOK, p)
	return nil
}

// options say of each way in why it is there or not.
func (s *Screen) options(d *agent.Device) []option {
	settings := d.Settings("")
	named := func(uri string, m Method, on bool, why string) option {
		return option{Method: m, On: on, Why: why, Policy: settings[uri].PolicyName}
	}
	there := map[Method]bool{}
	for _, w := range s.circumstances(d, "", true).ways() {
		there[w.Method] = true
	}
	var all []option
	for _, one := range []struct {
		method Method
		uri    string // of the setting that switches it
		on     bool
	}{
		{PIN, devicepolicy.UsePassportForWork, settings.On(devicepolicy.UsePassportForWork)},
		{Web, devicepolicy.EnableWebSignIn, settings.On(devicepolicy.EnableWebSignIn)},
		{Key, devicepolicy.UseSecurityKey, settings.On(devicepolicy.UseSecurityKey)},
	} {
		switch {
		case there[one.method] && one.method == Key && !there[Web]:
			all = append(all, named(one.uri, one.method, false, "why_keys_by_web"))
		case there[one.method]:
			all = append(all, named(one.uri, one.method, true, "why_on"))
		case !one.on:
			all = append(all, named(one.uri, one.method, false, "why_off"))
		case one.method == PIN && settings.On(devicepolicy.SharedMode):
			all = append(all, named(devicepolicy.SharedMode, one.method, false, "why_shared"))
		case one.method == PIN && d.PINOffered("") != nil:
			all = append(all, option{Method: one.method, Why: "why_no_tpm"})
		default:
			all = append(all, named(devicepolicy.ExcludedCredentialProviders, one.method, false, "why_excluded"))
		}
	}
	return all
}

// firstChoice returns the way in that the administrator wants first, and by which policy.
func firstChoice(d *agent.Device) option {
	one := d.Settings("")[devicepolicy.DefaultCredentialProvider]
	for m, id := range providers {
		if strings.EqualFold(id, one.Value.Text()) {
			return option{Method: m, On: true, Policy: one.PolicyName}
		}
	}
	return option{}
}

// found says what repair found of a part. Where the words in another language stand for less
// than the agent's sentence, such as which address was not reached, that follows for the helpdesk.
func (p phrasebook) found(r agent.Repair) template.HTML {
	return p.said(r.Detail, r.State == agent.Broken, "found_"+r.Code, "fault_"+r.Code)
}

// mend says what a person has to do about it.
func (p phrasebook) mend(r agent.Repair) template.HTML {
	return p.said(r.Fix, false, "mend_"+r.FixCode, "fault_"+r.FixCode+"_remedy")
}

// said translates a sentence of the agent by the first of keys that has words.
func (p phrasebook) said(sentence string, whole bool, keys ...string) template.HTML {
	theirs := p.words.Translated(p.lang, "", sentence, nil)
	for _, key := range keys {
		text := p.words.Translated(p.lang, key, "", nil)
		if text == "" {
			continue
		}
		switch english, _ := p.words.Find("en", key, nil); {
		case english == sentence || !whole:
			return text
		case p.lang == "en":
			return theirs
		}
		return text + " " + theirs
	}
	return theirs
}

// repairTime is how long "Fix my PIN" may take.
const repairTime = time.Minute

// repair serves POST /repair.
func (s *Screen) repair(w http.ResponseWriter, r *http.Request) error {
	a, err := s.current(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(during(a, r), repairTime)
	defer cancel()
	found, err := s.agent.Repair(ctx)
	if err != nil {
		return err
	}
	s.still(a, func() { s.repairs = &found })
	http.Redirect(w, r, "/help", http.StatusSeeOther)
	return nil
}
