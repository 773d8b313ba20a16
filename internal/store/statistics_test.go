package store_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/store"
	"github.com/postern-id/postern/internal/store/pgtest"
)

// TestPeopleAreFoundByTheirNamesWhileManyAreAdded, and not among all of the tenant: PostgreSQL knew nothing of people
// who were put in within a minute.
func TestPeopleAreFoundByTheirNamesWhileManyAreAdded(t *testing.T) {
	address := pgtest.Open(t)
	db := open(t, store.Config{Database: address + "&enable_seqscan=off&enable_bitmapscan=off"})
	s := seed("contoso.example")
	if err := db.CreateTenant(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		name := "p" + strconv.Itoa(i)
		u := directory.User{
			Tenant: s.Tenant.ID, ID: directory.UserID(uuid.NewString()), UserPrincipalName: name + "@contoso.example", DisplayName: name,
			MailNickname: name, EmployeeID: name, ExternalID: name, UserType: "Member", CreatedDateTime: nine,
		}
		if err := db.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	for property, index := range map[string]string{"user_principal_name": "directory_user_upn", "external_id": "directory_user_external_id", "employee_id": "directory_user_employee_id"} {
		plan, err := db.PlanOfName(t.Context(), s.Tenant.ID, property)
		if err != nil || !strings.Contains(plan, "using "+index) {
			t.Errorf("%s: %v\n%s", property, err, plan)
		}
	}
}
