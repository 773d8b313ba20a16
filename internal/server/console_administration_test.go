package server_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

const administration = "/console/administration"

// upload posts a file to a form, as a browser does.
func (w *world) upload(path string, fields map[string]string, file []byte) answer {
	w.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			w.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("image", "../../etc/passwd.svg")
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.site.URL+path, &body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	res, err := w.browser.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{status: res.StatusCode, location: res.Header.Get("Location"), header: res.Header, body: string(text)}
}

func tagOf(body string) string {
	m := regexp.MustCompile(`name="tag" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return strings.NewReplacer("&#34;", `"`, "&quot;", `"`).Replace(m[1])
}

func (w *world) shows(a answer, status int, texts ...string) {
	w.t.Helper()
	if a.status != status {
		w.t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			w.t.Errorf("no %q in\n%s", text, a.body)
		}
	}
}

func TestAnAdministratorLooksAfterTheTenantInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("grace", directory.GlobalAdministrator)
	w.shows(w.get(administration), http.StatusOK, "Organisation", "Domains", "Branding", "Notification mail", "Keys", "Backup", "About this server")
	page := w.get(administration + "/tenant")
	w.shows(page, http.StatusOK, `value="Contoso"`, w.created.TenantID)
	form := url.Values{"tag": {tagOf(page.body)}, "displayName": {"Contoso <b>Ltd</b>"}, "timeZone": {"Europe/Berlin"}, "phone": {"1234"}, "hours": {"8 to 18"}, "mail": {"help@contoso.example"}}
	if a := w.post(administration+"/tenant", form); a.status != http.StatusSeeOther {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.shows(w.get(administration+"/tenant?done=tenant_saved"), http.StatusOK, "Saved.", "Contoso &lt;b&gt;Ltd", `value="1234"`)

	form.Set("displayName", "Somebody else's")
	w.shows(w.post(administration+"/tenant", form), http.StatusPreconditionFailed, "Somebody was quicker", "Contoso &lt;b&gt;Ltd", "Somebody else&#39;s")
	form.Set("tag", tagOf(w.get(administration+"/tenant").body))
	form.Set("timeZone", "Mars/Base")
	w.shows(w.post(administration+"/tenant", form), http.StatusBadRequest, "This is not a time zone.", `value="Mars/Base"`)

	w.shows(w.get(administration+"/about"), http.StatusOK, "SQLite", w.options.PublicURL)
	w.shows(w.get(administration+"/backup"), http.StatusOK, "No backup is known")
	keys := w.get(administration + "/keys")
	w.shows(keys, http.StatusOK, "Tokens (RS256)", "Hashes of passes", "In use")
	if strings.Contains(keys.body, "sealed") && strings.Contains(keys.body, "BEGIN") {
		t.Error("a key is shown")
	}
	w.shows(w.get(administration+"/mail"), http.StatusOK, "No mail server is set", "Nothing waits")
	w.shows(w.post(administration+"/mail", nil), http.StatusBadRequest, "no mail address")
}

func TestADomainIsAddedAndRemovedInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("grace", directory.GlobalAdministrator)
	w.shows(w.post(administration+"/domains", url.Values{"domain": {"<script>"}}), http.StatusBadRequest, `value="&lt;script&gt;"`, "not the name of a DNS domain")
	if a := w.post(administration+"/domains", url.Values{"domain": {"corp.internal"}}); a.location != administration+"/domains/corp.internal?done=domain_added" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	const one = administration + "/domains/corp.internal"
	w.shows(w.get(one), http.StatusOK, "postern-domain-verification=", "Not verified")
	w.shows(w.post(one, url.Values{"do": {"verify"}}), http.StatusBadRequest, "The DNS does not have the record")
	if a := w.post(one, url.Values{"do": {"confirm"}}); a.status != http.StatusSeeOther {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	w.shows(w.get(one), http.StatusOK, "Make it the primary domain")
	w.post(one, url.Values{"do": {"primary"}})
	w.shows(w.post(one, url.Values{"do": {"remove"}}), http.StatusBadRequest, "The domain is in use.")
	w.post(administration+"/domains/contoso.example", url.Values{"do": {"primary"}})
	w.shows(w.get(one+"?remove=1"), http.StatusOK, "Remove <bdi>corp.internal</bdi>?")
	if a := w.post(one, url.Values{"do": {"remove"}}); a.location != administration+"/domains?done=domain_removed" {
		t.Errorf("%d %s\n%s", a.status, a.location, a.body)
	}
	if a := w.get(one); a.status != http.StatusNotFound {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestTheBrandingIsTriedAndSavedInTheConsole(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("bran", directory.OrganizationalBrandingAdministrator)
	const page = administration + "/branding"
	hostile := url.Values{
		"do": {"preview"}, "postern_actionColor": {"#7a1fa2"}, "signInPageText": {"<img src=x onerror=alert(1)>\r\nline two"},
		"customTermsOfUseText": {"</span><script>alert(1)</script>"}, "customTermsOfUseUrl": {"https://contoso.example/rules"},
	}
	draft := w.post(page, hostile)
	w.shows(draft, http.StatusOK, "/assets/branding/colors-1.7a1fa2.none.css", "<br><bdi>line two</bdi>", "Before you save")
	if strings.Contains(draft.body, "<script>alert") || strings.Contains(draft.body, "<img src=x") {
		t.Errorf("a text became markup:\n%s", draft.body)
	}
	if a := w.get(page); strings.Contains(a.body, "7a1fa2") {
		t.Error("a draft was kept")
	}
	for field, value := range map[string]string{"postern_actionColor": "#ffff33", "customTermsOfUseUrl": "javascript:alert(1)", "backgroundColor": "#fff;}"} {
		bad := url.Values{"do": {"save"}, field: {value}}
		w.shows(w.post(page, bad), http.StatusBadRequest, `id="trouble"`)
		bad.Set("do", "preview")
		w.shows(w.post(page, bad), http.StatusOK, `class="notice danger" role="status"`)
	}
	hostile.Set("do", "save")
	if a := w.post(page, hostile); a.location != page+"?done=branding_saved" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	old := tagOf(w.get(page).body)
	if a := w.upload(page+"/bannerLogo", map[string]string{"tag": old, "do": "put"}, aPicture(t, 100, 30)); a.location != page+"?done=image_saved" {
		t.Fatalf("%d %s\n%s", a.status, a.location, a.body)
	}
	w.shows(w.get(page), http.StatusOK, "/assets/branding/"+w.created.TenantID+"/bannerLogo.")
	tag := tagOf(w.get(page).body)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	w.shows(w.upload(page+"/squareLogo", map[string]string{"tag": tag}, svg), http.StatusUnsupportedMediaType, "not a picture in PNG or JPEG", `aria-describedby="squareLogo-hint trouble"`)
	w.shows(w.upload(page+"/squareLogo", map[string]string{"tag": tag}, aPicture(t, 2000, 10)), http.StatusBadRequest, "2000 × 10 pixels")
	w.shows(w.upload(page+"/backgroundImage", map[string]string{"tag": tag}, make([]byte, 2<<20)), http.StatusRequestEntityTooLarge)
	w.shows(w.upload(page+"/favicon", map[string]string{"tag": old}, aPicture(t, 20, 20)), http.StatusPreconditionFailed, `id="trouble"`)
	w.shows(w.post(page, url.Values{"do": {"save"}, "tag": {old}, "signInPageText": {"late"}}), http.StatusPreconditionFailed, "Somebody was quicker", ">late<")
	if a := w.upload(page+"/bannerLogo", map[string]string{"tag": tag, "do": "remove"}, nil); a.location != page+"?done=image_removed" {
		t.Errorf("%d %s\n%s", a.status, a.location, a.body)
	}
}

func TestAdministrationOffersWhatARoleMayDo(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("reader", directory.GlobalReader)
	for _, path := range []string{"", "/tenant", "/domains", "/domains/contoso.example", "/branding", "/mail", "/keys", "/backup", "/about"} {
		a := w.get(administration + path)
		w.shows(a, http.StatusOK)
		main := a.body[strings.Index(a.body, `<main`):]
		if strings.Contains(main, `method="post"`) {
			t.Errorf("%s offers a reader a form:\n%s", path, main)
		}
	}
	for path, form := range map[string]url.Values{
		"/tenant": {"displayName": {"x"}}, "/domains": {"domain": {"x.example"}}, "/domains/contoso.example": {"do": {"remove"}}, "/branding": {"do": {"save"}}, "/branding/favicon": {}, "/mail": {},
	} {
		if a := w.post(administration+path, form); a.status != http.StatusForbidden {
			t.Errorf("a reader posts to %s: %d", path, a.status)
		}
	}
	w.consoleAs("dana", directory.HelpdeskAdministrator)
	for _, path := range []string{"/keys", "/backup", "/about", "/mail"} {
		if a := w.get(administration + path); a.status != http.StatusForbidden {
			t.Errorf("the helpdesk opens %s: %d", path, a.status)
		}
	}
	if a := w.get(administration); strings.Contains(a.body, administration+"/keys") {
		t.Error("the helpdesk is offered the keys")
	}
}
