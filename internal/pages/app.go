package pages

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/authenticator"
)

// appPage is app.html: the authenticator app, the same for everybody. What is in it comes from
// the phone's own store by script; the server keeps no session of it.
type appPage struct {
	frame
	Words string // what the script says, as JSON
}

func (appPage) file() string { return "app.html" }

// appWords are the words of the script, which knows them without "app_".
var appWords = []string{
	"app_list", "app_list_none", "app_add", "app_request", "app_ends", "app_joined", "app_approved", "app_approved_text", "app_denied", "app_denied_text",
	"app_reported", "app_reported_text", "app_ended", "app_ended_text", "app_offline", "app_default_name", "app_added", "app_gone", "app_gone_text", "app_frozen", "app_frozen_text",
	"app_failed", "app_remove_sure", "app_removed", "app_verify", "app_verify_on", "app_verify_off", "app_push_on", "app_push_off", "app_push_denied", "app_note_title", "app_note_text", "app_unsupported",
	"app_changed_added", "app_changed_renamed", "app_changed_removed", "app_changed_frozen", "app_changed_thawed", "app_changed_changed", "app_changed_text",
	"app_changed_opened", "app_changed_issued", "app_changed_used", "app_changed_closed", "app_changed_refused", "app_changed_disputed", "app_changed_released", "app_changed_reverted", "app_method_recovery",
	"method_passkey", "method_authenticator", "method_otc", "method_password", "method_hello",
	"correlation",
}

// appFaults are what the server may refuse the app with and a person can do something about.
var appFaults = []*fault.Error{
	authenticator.ErrOther, authenticator.ErrAnswered, authenticator.ErrLate, authenticator.ErrTypedWrong, authenticator.ErrNeedsVerification,
	authenticator.ErrCode, authenticator.ErrOff,
}

// showApp serves GET /authenticator/: the shell of the app, which works without a network.
func (s *Site) showApp(w http.ResponseWriter, r *http.Request) error {
	p := appPage{frame: s.frame(r, directory.Tenant{})}
	p.Fetches, p.Installs, p.Action = true, true, "/authenticator/"
	words := map[string]string{}
	for _, key := range appWords {
		words[strings.TrimPrefix(key, "app_")] = s.View.Text(p.Lang, key, "Name", "{name}", "When", "{when}", "Seconds", "{seconds}")
	}
	for _, f := range appFaults {
		words["fault_"+f.Code] = s.View.Text(p.Lang, "fault_"+f.Code)
		words["remedy_"+f.Code] = s.View.Text(p.Lang, "fault_"+f.Code+"_remedy")
	}
	text, err := json.Marshal(words)
	if err != nil {
		return err
	}
	p.Words = string(text)
	s.render(w, r, http.StatusOK, p)
	return nil
}

//go:embed worker.js
var workerFile embed.FS

// appWorker serves GET /authenticator/worker.js: the service worker, which keeps the shell and
// takes messages. Its address is without a hash, because browsers look there for a newer one.
func (s *Site) appWorker(w http.ResponseWriter, _ *http.Request) error {
	script, err := workerFile.ReadFile("worker.js")
	if err != nil {
		return err
	}
	var shell []string
	for _, name := range []string{"tokens.css", "components.css", "app.js", "app-icon.svg", "icons.svg"} {
		path, err := assets.Path(name)
		if err != nil {
			return err
		}
		shell = append(shell, path)
	}
	list, err := json.Marshal(shell)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'")
	_, err = fmt.Fprint(w, strings.Replace(string(script), `["SHELL"]`, string(list), 1))
	return err
}

// appManifest serves GET /authenticator/manifest.json (https://www.w3.org/TR/appmanifest/). The
// scope is the whole server, so that signing in to add a phone does not leave the app.
func (s *Site) appManifest(w http.ResponseWriter, r *http.Request) error {
	icon, err := assets.Path("app-icon.svg")
	if err != nil {
		return err
	}
	lang := s.frame(r, directory.Tenant{}).Lang
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return json.NewEncoder(w).Encode(map[string]any{
		"id": "/authenticator/", "start_url": "/authenticator/", "scope": "/", "display": "standalone", "lang": lang,
		"name": s.View.Text(lang, "app_title"), "short_name": "Postern", "description": s.View.Text(lang, "app_what"),
		"background_color": "#f7f6f3", "theme_color": "#0a2b35",
		"icons": []map[string]string{{"src": icon, "type": "image/svg+xml", "sizes": "any", "purpose": "any"}, {"src": icon, "type": "image/svg+xml", "sizes": "any", "purpose": "maskable"}},
	})
}
