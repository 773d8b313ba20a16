// Package odata speaks the wire conventions of Microsoft Graph: the error envelope, request
// ids, strict JSON bodies, query options, pages with skiptokens, entities, batches and keys
// in paths. It decides nothing about users, passes or policies; it leaves the meaning of
// $filter, $orderby and $search to their parser, and who may call to the caller.
//
// A handler reads with [ReadJSON] and [ParseOptions], answers with [WriteEntity] or
// [WritePage], and returns an error, which [Write] turns into an answer. Around all of them
// stand [Tag], which gives each request its ids, and [SplitKeys], which makes keys such as
// applications(appId='…') fit the patterns of http.ServeMux.
//
// The rules follow "Microsoft Graph error responses and resource types", "Use query
// parameters" and "Combine multiple HTTP requests using JSON batching" on
// learn.microsoft.com/graph, and OData 4.01.
package odata
