package scim

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/filter"
)

// The schemas and messages, by their URNs (RFC 7643, RFC 7644).
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnPostern    = "urn:ietf:params:scim:schemas:extension:postern:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"

	urnError  = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnList   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnPatch  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnSearch = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
)

// An attribute is one definition of a schema, in the words of RFC 7643 section 7. What is not
// said has that section's default.
type attribute struct {
	Name          string      `json:"name"`
	Type          string      `json:"type"`
	MultiValued   bool        `json:"multiValued"`
	Description   string      `json:"description"`
	Required      bool        `json:"required"`
	Canonical     []string    `json:"canonicalValues,omitempty"`
	CaseExact     bool        `json:"caseExact"`
	Mutability    string      `json:"mutability"`
	Returned      string      `json:"returned"`
	Uniqueness    string      `json:"uniqueness"`
	References    []string    `json:"referenceTypes,omitempty"`
	SubAttributes attributes  `json:"subAttributes,omitempty"`
	always        bool        // returned whatever is asked for
	elements      filter.Type // the type of a plain value, for filters
}

type attributes []attribute

// find returns the attribute with a name, in any case, or nil.
func (a attributes) find(name string) *attribute {
	i := slices.IndexFunc(a, func(x attribute) bool { return strings.EqualFold(x.Name, name) })
	if i < 0 {
		return nil
	}
	return &a[i]
}

// schema is what the elements of a list can be filtered by, in memory.
func (a attributes) schema() filter.Schema {
	var s filter.Schema
	for _, x := range a {
		s = append(s, filter.Property{
			Name: x.Name, Type: x.elements, Column: x.Name,
			Ops: filter.Equality | filter.StartsWith | filter.EndsWith | filter.Contains,
		})
	}
	return s
}

// A resourceSchema is a schema as /Schemas shows it.
type resourceSchema struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Attributes  attributes `json:"attributes"`
}

func plain(name, kind, description string) attribute {
	t := filter.TypeString
	switch kind {
	case "boolean":
		t = filter.TypeBool
	case "dateTime":
		t = filter.TypeTime
	}
	return attribute{Name: name, Type: kind, Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none", elements: t}
}

func text(name, description string) attribute { return plain(name, "string", description) }

func complexOf(name, description string, sub ...attribute) attribute {
	a := plain(name, "complex", description)
	a.SubAttributes = sub
	return a
}

func (a attribute) many() attribute     { a.MultiValued = true; return a }
func (a attribute) readOnly() attribute { a.Mutability = "readOnly"; return a }
func (a attribute) required() attribute { a.Required = true; return a }
func (a attribute) exact() attribute    { a.CaseExact = true; return a }
func (a attribute) asked() attribute    { a.Returned = "request"; return a }
func (a attribute) unique() attribute   { a.Uniqueness = "server"; return a }
func (a attribute) immutable() attribute {
	a.Mutability = "immutable"
	return a
}

func (a attribute) of(values ...string) attribute { a.Canonical = values; return a }

func (a attribute) to(kinds ...string) attribute {
	a.Type, a.References, a.CaseExact = "reference", kinds, true
	return a
}

// common is what every resource has beside its schema (RFC 7643 section 3.1).
var common = attributes{
	{Name: "schemas", Type: "reference", MultiValued: true, Mutability: "readOnly", Returned: "always", always: true},
	{Name: "id", Type: "string", Mutability: "readOnly", Returned: "always", Uniqueness: "server", CaseExact: true, always: true, elements: filter.TypeString},
	text("externalId", "What the client calls the resource; unique in the tenant.").exact().unique(),
	complexOf("meta", "About the resource.", text("resourceType", ""), plain("created", "dateTime", ""), text("location", ""), text("version", "")).readOnly(),
}

var userSchema = resourceSchema{urnUser, "User", "A person's account.", attributes{
	text("userName", "The userPrincipalName: a name in one of the tenant's domains.").required().unique(),
	complexOf("name", "The parts of the name.",
		text("formatted", "The whole name; made of the others.").readOnly(), text("familyName", "The surname."), text("givenName", "The given name.")),
	text("displayName", "The name as it is shown."),
	text("nickName", "The mailNickname; the part of the userName before the @ unless it is said."),
	text("title", "The job title."),
	text("userType", "The kind of employment (employeeType)."),
	text("preferredLanguage", "A language tag."),
	plain("active", "boolean", "Whether the person can sign in. False ends every session and pass at once."),
	complexOf("emails", "Mail addresses. The one of type work is mail, the others are otherMails.",
		text("value", "The address."), text("type", "work or other.").of("work", "other"), plain("primary", "boolean", "True for the one of type work.")).many(),
	complexOf("phoneNumbers", "Telephone numbers: any of type work, one mobile, one fax.",
		text("value", "The number."), text("type", "work, mobile or fax.").of("work", "mobile", "fax")).many(),
	complexOf("addresses", "The address of type work; formatted of type other is the office.",
		text("type", "work or other.").of("work", "other"), text("formatted", "Of type other: the office (officeLocation)."),
		text("streetAddress", "The street."), text("locality", "The city."), text("region", "The state."),
		text("postalCode", "The postal code."), text("country", "The country."), plain("primary", "boolean", "True for the one of type work.")).many(),
	complexOf("groups", "The groups that the person is in directly; change them at the groups.",
		text("value", "The group's id.").readOnly(), text("$ref", "Its address.").to("Group").readOnly(), text("type", "direct").readOnly()).many().readOnly().asked(),
}}

var enterpriseSchema = resourceSchema{urnEnterprise, "EnterpriseUser", "What an organisation knows of its people.", attributes{
	text("employeeNumber", "The personnel number (employeeId)."),
	text("costCenter", "The cost centre."),
	text("organization", "The company (companyName)."),
	text("division", "The division."),
	text("department", "The department."),
	complexOf("manager", "The person's manager.",
		text("value", "The manager's id."), text("$ref", "The manager's address.").to("User"), text("displayName", "The manager's name.").readOnly()),
}}

var posternSchema = resourceSchema{urnPostern, "PosternUser", "What onboarding starts from, and where the account comes from.", attributes{
	plain("employeeHireDate", "dateTime", "The first day."),
	plain("employeeLeaveDateTime", "dateTime", "The last day."),
	text("usageLocation", "Two letters of a country."),
	text("source", "Where the account comes from; empty when it was made here, local when it was taken over.").readOnly(),
}}

var groupSchema = resourceSchema{urnGroup, "Group", "A group of people, devices and groups.", attributes{
	text("displayName", "The name.").required(),
	complexOf("members", "Who is in the group directly.",
		text("value", "The member's id.").immutable(), text("$ref", "The member's address.").to("User", "Group").immutable(),
		text("type", "User or Group.").of("User", "Group").immutable(), text("display", "Read, not kept.").immutable()).many(),
}}

// A kind is a type of resource.
type kind struct {
	name, endpoint, description string
	core                        resourceSchema
	extensions                  []resourceSchema
	// dropped are attributes of the standard that are not kept; they are read and ignored.
	dropped []string
}

var users = &kind{
	"User", "/Users", "People's accounts.",
	userSchema,
	[]resourceSchema{enterpriseSchema, posternSchema},
	[]string{"profileUrl", "locale", "timezone", "password", "ims", "photos", "entitlements", "roles", "x509Certificates"},
}

var groups = &kind{"Group", "/Groups", "Groups.", groupSchema, nil, nil}

// root is what is on the top level of a resource of k.
func (k *kind) root() attributes { return slices.Concat(common, k.core.Attributes) }

// extension returns the extension with a URN, in any case, or nil.
func (k *kind) extension(urn string) *resourceSchema {
	for i, x := range k.extensions {
		if strings.EqualFold(x.ID, urn) {
			return &k.extensions[i]
		}
	}
	return nil
}

// A place is an attribute of a resource, or a whole extension where attribute is nil.
type place struct {
	extension string // the URN in its proper case; empty for the core
	attribute *attribute
	sub       *attribute // of a complex attribute
}

// locate finds what a path of names leads to; ok is false where it leads nowhere. Names
// may have the URN of their schema in front.
func (k *kind) locate(path filter.Path) (p place, ok bool) {
	if len(path) == 0 || len(path) > 2 {
		return p, false
	}
	first, all := path[0], k.root()
	if strings.EqualFold(first[:min(4, len(first))], "urn:") {
		if x := k.extension(first); x != nil {
			return place{extension: x.ID}, len(path) == 1
		}
		cut := strings.LastIndexByte(first, ':')
		x := k.extension(first[:cut])
		switch {
		case x != nil:
			p.extension, all = x.ID, x.Attributes
		case !strings.EqualFold(first[:cut], k.core.ID):
			return p, false
		}
		first = first[cut+1:]
	}
	if p.attribute = all.find(first); p.attribute == nil && p.extension == "" { // Entra asks for manager without its URN
		for _, x := range k.extensions {
			if p.attribute = x.Attributes.find(first); p.attribute != nil {
				p.extension = x.ID
				break
			}
		}
	}
	if p.attribute == nil {
		return p, false
	}
	if len(path) == 2 {
		p.sub = p.attribute.SubAttributes.find(path[1])
		return p, p.sub != nil
	}
	return p, true
}

// name is p as filters and lists of attributes have it.
func (p place) name() string {
	var b strings.Builder
	if p.extension != "" {
		b.WriteString(p.extension)
		if p.attribute == nil {
			return b.String()
		}
		b.WriteString(":")
	}
	b.WriteString(p.attribute.Name)
	if p.sub != nil {
		b.WriteString("." + p.sub.Name)
	}
	return b.String()
}
