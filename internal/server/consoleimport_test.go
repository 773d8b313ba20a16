package server_test

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

// partOf is what the page of an import sends next.
func partOf(page string) url.Values {
	v := url.Values{}
	_, page, _ = strings.Cut(page, `<form id="next"`)
	for _, in := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		v.Set(in[1], html.UnescapeString(in[2]))
	}
	if text := regexp.MustCompile(`(?s)<textarea name="text" hidden>\n(.*?)</textarea>`).FindStringSubmatch(page); text != nil {
		v.Set("text", html.UnescapeString(text[1]))
	}
	return v
}

func TestAFileOfPeopleIsLookedAtFirstAndThenImported(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.UserAdministrator)
	const at = "/console/people/import"
	var file strings.Builder
	file.WriteString("userPrincipalName,displayName,department,manager\n")
	file.WriteString("mira@contoso.example,Mira <b>,\"Sales, EMEA\",n250@contoso.example\n")
	file.WriteString("nobody@elsewhere.example,X,,\nMIRA@contoso.example,Again,,\n")
	for i := range 250 {
		fmt.Fprintf(&file, "n%d@contoso.example,N %d,Sales,\n", i+1, i+1)
	}
	page := w.post(at, url.Values{"text": {file.String()}})
	if page.status != http.StatusOK || !strings.Contains(page.body, "Mira &lt;b&gt;") || !strings.Contains(page.body, "Line 2 is about the same person") || strings.Contains(page.body, "Nobody") {
		t.Fatalf("%d\n%s", page.status, page.body)
	}
	v := partOf(page.body)
	if v.Get("from") != "200" || v.Get("mode") != "" {
		t.Fatalf("the next part is %v", v.Get("from"))
	}
	page = w.post(at, v)
	if v = partOf(page.body); v.Get("mode") != "real" || v.Get("from") != "" {
		t.Fatalf("after looking: %s", page.body)
	}
	if _, u := w.api(http.MethodGet, "/v1.0/users/"+mira+"?$select=department", w.appToken(), ""); u["department"] != nil {
		t.Errorf("looking stored %v", u)
	}
	for i := 0; ; i++ {
		page = w.post(at, v)
		if page.status != http.StatusOK || i > 5 {
			t.Fatalf("step %d: %d\n%s", i, page.status, page.body)
		}
		if v = partOf(page.body); v.Get("from") == "" {
			break
		}
	}
	_, u := w.api(http.MethodGet, "/v1.0/users/"+mira+"?$select=department,displayName&$expand=manager($select=userPrincipalName)", w.appToken(), "")
	if boss, _ := u["manager"].(map[string]any); u["department"] != "Sales, EMEA" || boss["userPrincipalName"] != "n250@contoso.example" {
		t.Errorf("mira is %v", u)
	}
	if !regexp.MustCompile(`(?s)Added</dt><dd><?[^0-9]*250`).MatchString(page.body) {
		t.Errorf("it counts\n%s", page.body)
	}
	for name, text := range map[string]string{"no file": "", "no columns": "a,b\n1,2\n", "a quote that never closes": "userPrincipalName\n\"x\n"} {
		if a := w.post(at, url.Values{"text": {text}}); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	w.consoleAs("hal", directory.HelpdeskAdministrator)
	if a := w.post(at, url.Values{"text": {file.String()}}); a.status != http.StatusForbidden {
		t.Errorf("the helpdesk imports: %d", a.status)
	}
}

func TestAFileOfPeopleSaysWhoStandsAgainByAnotherNameInALaterPart(t *testing.T) {
	w := newWorld(t)
	mira, nils := w.createUser("mira"), w.createUser("nils")
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"employeeId":"E-1"}`)
	w.change(http.MethodPatch, "/v1.0/users/"+nils, `{"employeeId":"E-2"}`)
	w.consoleAs("dana", directory.UserAdministrator)
	const at = "/console/people/import"
	var file strings.Builder
	file.WriteString("userPrincipalName,employeeId,department\n,E-1,Sales\n")
	for range 199 {
		file.WriteString("nobody@elsewhere.example,,\n") // refused, and about nobody
	}
	file.WriteString("nils@contoso.example,,Sales\nmira@contoso.example,,Sales\nmira@contoso.example,E-2,\n")
	first := w.post(at, url.Values{"text": {file.String()}})
	for _, v := range []url.Values{partOf(first.body), nil} { // looked at, and then stored: mira is left alone the second time
		if v == nil {
			v = partOf(w.post(at, partOf(first.body)).body)
			if v.Get("mode") != "real" {
				t.Fatalf("after looking: %v", v)
			}
			v = partOf(w.post(at, v).body)
		}
		page := w.post(at, v)
		if n := strings.Count(page.body, "Line <bdi>2</bdi> is about the same person, by another name."); n != 1 || !strings.Contains(page.body, "<del>–</del> <ins><bdi>Sales</bdi>") || strings.Contains(first.body, "by another name") {
			t.Errorf("%s: %d times\n%s", v.Get("mode"), n, page.body)
		}
		for _, forged := range []string{"", "x", strings.Repeat("é", 300)} {
			v.Set("met", forged)
			if a := w.post(at, v); a.status != http.StatusOK || strings.Contains(a.body, "by another name") {
				t.Errorf("met is %q: %d", forged, a.status)
			}
		}
	}
}

func TestALargeFileOfPeopleIsCarriedToItsEnd(t *testing.T) {
	w := newWorld(t)
	w.consoleAs("dana", directory.UserAdministrator)
	send := func(name, text string, more url.Values) answer {
		t.Helper()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormField("text")
		if name == "file" {
			part, err = form.CreateFormFile("file", "people.csv")
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, text)
		for field := range more {
			_ = form.WriteField(field, more.Get(field))
		}
		_ = form.Close()
		r := w.request(http.MethodPost, "/console/people/import", &body)
		r.Header.Set("Content-Type", form.FormDataContentType())
		return w.do(r)
	}
	latin1 := "userPrincipalName,displayName\nmira@contoso.example,Mira\njens@contoso.example,J\xf6rg\n"
	if a := send("file", latin1, nil); a.status != http.StatusBadRequest || !strings.Contains(a.body, "peopleFile") || partOf(a.body).Get("text") != "" {
		t.Errorf("a file that is not in UTF-8 from its third line on: %d %s", a.status, told(a))
	}
	const rows = 40_000
	file := "userPrincipalName\n" + strings.Repeat("nobody@elsewhere.example\n", rows)
	if a := send("file", file, nil); a.status != http.StatusOK || partOf(a.body).Get("from") != "200" {
		t.Fatalf("the file: %d %s", a.status, told(a))
	}
	carried := strings.ReplaceAll(file, "\n", "\r\n") // as browsers send it from a form
	if a := send("text", carried, url.Values{"from": {strconv.Itoa(rows - 10)}, "met": {strings.Repeat("-", 8*(rows-10))}}); a.status != http.StatusOK || partOf(a.body).Get("from") != "" {
		t.Errorf("its end: %d %s", a.status, told(a))
	}
	if a := send("file", file+file, nil); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("one too large: %d", a.status)
	}
}

func TestAPassForOnePurposeIsChosenInTheConsoleAndSaidInWords(t *testing.T) {
	w := newWorld(t)
	mira := w.createUser("mira")
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, v := w.passForm(mira, url.Values{"check": {"callBack"}, "purpose": {"registerMethods"}})
	if a := w.get(at + "?purpose=registerMethods"); !strings.Contains(a.body, "good for setting up ways to sign in") {
		t.Errorf("the page does not say it\n%s", a.body)
	}
	if a := w.get(at + "?purpose=signIn"); !strings.Contains(a.body, "Choose the device") {
		t.Errorf("no device is chosen\n%s", a.body)
	}
	bad := url.Values{}
	for k := range v {
		bad.Set(k, v.Get(k))
	}
	bad.Set("purpose", "resetPin")
	if a := w.post(at, bad); a.status != http.StatusBadRequest || !strings.Contains(a.body, "consolePassDevice") {
		t.Errorf("without a device: %d", a.status)
	}
	w.readOut(w.post(at, v))
	passes := w.passesOf(mira)
	if len(passes) != 1 {
		t.Fatalf("%v", passes)
	}
	id, _ := passes[0].(map[string]any)["id"].(string)
	_, pass := w.api(http.MethodGet, "/v1.0/users/"+mira+"/authentication/temporaryAccessPassMethods/"+id+"?$select=postern_purpose", w.appToken(), "")
	if pass["postern_purpose"] != "registerMethods" {
		t.Errorf("%v", pass)
	}
}
