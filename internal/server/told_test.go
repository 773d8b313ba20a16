package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/server"
)

func TestOthersAreToldOfAPassAsTheRecoveryPolicySaysAndLearnNothingThatOpens(t *testing.T) {
	w := newWorld(t, func(o *server.Options) { o.Mail.Mailbox = true })
	mira, manager := w.createUser("mira"), w.createUser("max")
	w.change(http.MethodPatch, "/v1.0/users/"+mira, `{"mail":"mira@contoso.example","otherMails":["mira@home.example"]}`)
	w.change(http.MethodPatch, "/v1.0/users/"+manager, `{"mail":"max@contoso.example","otherMails":["max@home.example"]}`)
	boss := w.createUser("boss")
	w.change(http.MethodPatch, "/v1.0/users/"+boss, `{"mail":"boss@contoso.example"}`)
	w.create("/v1.0/roleManagement/directory/roleAssignments",
		`{"roleDefinitionId":"`+string(directory.GlobalAdministrator)+`","principalId":"`+boss+`","directoryScopeId":"/"}`)
	w.change(http.MethodPut, "/v1.0/users/"+mira+"/manager/$ref", reference(manager))
	w.handPolicy(`"handOver":["read"],"alsoTold":["manager","globalAdministrators","soc@fabrikam.example","mira@contoso.example","max@contoso.example"]`)
	w.consoleAs("dana", directory.AuthenticationAdministrator)
	at, form := w.agentCase(mira)
	form.Set("hand", "read")
	number := numberOfCase.FindString(w.get(at).body)
	_, pass := w.readOut(w.caseStep(at, "pass", form))
	if err := w.server.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	var readers []string
	for _, row := range mailRow.FindAllStringSubmatch(w.get("/mailbox").body, -1) {
		if !strings.HasPrefix(row[2], "A pass was issued to recover the account of mira") {
			continue
		}
		mail := w.get(row[1]).body
		if strings.Contains(mail, pass) || number == "" || strings.Contains(mail, number) || strings.Contains(mail, "/recover/") || !strings.Contains(mail, "dana") {
			t.Errorf("the mail says\n%s", mail)
		}
		for _, one := range []string{"mira@contoso.example", "mira@home.example", "max@contoso.example", "max@home.example", "boss@contoso.example", "soc@fabrikam.example"} {
			if strings.Contains(mail, one) {
				readers = append(readers, one)
			}
		}
	}
	slices.Sort(readers)
	// An address that somebody names is told, whoever it belongs to; nobody is told twice, and nobody at home.
	if want := []string{"boss@contoso.example", "max@contoso.example", "mira@contoso.example", "soc@fabrikam.example"}; !slices.Equal(slices.Compact(readers), want) {
		t.Errorf("told are %v, want %v", readers, want)
	}

	for _, wrong := range []string{`"soc"`, `"soc@fabrikam.example\r\nBcc: eve@evil.example"`, `"SOC <soc@fabrikam.example>"`, `"manager","manager"`, `"a@b.example","b@b.example","c@b.example","d@b.example","e@b.example","f@b.example"`} {
		if status, v := w.api(http.MethodPatch, "/v1.0/postern/recovery/policy", w.appToken(), `{"rules":[{"targetClass":"role","grants":[],"alsoTold":[`+wrong+`]}]}`); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", wrong, status, v)
		}
	}

	// In the console, and what is saved there stays what it was otherwise.
	w.newBrowser()
	w.consoleAs("gina", directory.GlobalAdministrator)
	v := formOf(t, w.get("/console/recovery/policy").body)
	if !slices.Equal(v["everyone.told"], []string{"manager", "globalAdministrators"}) || !strings.Contains(v.Get("everyone.toldAt"), "soc@fabrikam.example, ") {
		t.Errorf("the form has %v", v)
	}
	if a := w.post("/console/recovery/policy", v); strings.Contains(a.body, "<ins>") {
		t.Errorf("nothing typed changes something\n%s", a.body)
	}
	v["privileged.told"] = []string{"globalAdministrators"}
	v.Set("role.toldAt", "audit@fabrikam.example")
	v.Set("act", "save")
	if a := w.post("/console/recovery/policy", v); a.status != http.StatusSeeOther {
		t.Fatalf("save: %d\n%s", a.status, a.body)
	}
	again := formOf(t, w.get("/console/recovery/policy").body)
	for name, want := range map[string][]string{"privileged.told": {"globalAdministrators"}, "role.toldAt": {"audit@fabrikam.example"}, "everyone.toldAt": v["everyone.toldAt"]} {
		if !slices.Equal(again[name], want) {
			t.Errorf("%s is %v, want %v", name, again[name], want)
		}
	}
}
