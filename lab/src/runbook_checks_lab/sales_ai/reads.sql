SET ROLE sales_ai;

SET enable_seqscan = off;

SELECT id, lead_id FROM conversations WHERE status = 'pending' ORDER BY created_at LIMIT 10;

SELECT c.id, l.name, t.body FROM conversations AS c JOIN leads AS l ON l.id = c.lead_id
JOIN transcripts AS t ON t.conversation_id = c.id WHERE c.status = 'completed' ORDER BY c.created_at DESC LIMIT 10;
