-- Demo data for a local stack: one person, who signs in as `user_demo`. Running it again changes nothing.
insert into auth.users (
    id, instance_id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    -- The Auth server cannot read null in these.
    confirmation_token, recovery_token, email_change, email_change_token_new)
values (
    '00000000-0000-4000-8000-00000000de30', '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated',
    'demo@jobraker.example', '{"clerk_id": "user_demo"}', '{"full_name": "Dana Demo"}', now(), now(),
    '', '', '', '')
on conflict (id) do nothing;

insert into public.user_preferences (
    user_id, preferred_job_titles, target_locations, salary_min, salary_max, employment_types, key_skills,
    work_arrangement)
values (
    '00000000-0000-4000-8000-00000000de30', array['Backend Engineer', 'Platform Engineer'],
    '[{"city": "Lisbon", "remote_only": false, "radius_miles": 20}]', 60000, 90000, array['full-time']::public.employment_type[],
    array['Rust', 'PostgreSQL'], array['remote', 'hybrid']::public.work_preference_type[])
on conflict (user_id) do nothing;

insert into public.saved_jobs (user_id, job_title, company_name, job_url, location, salary_summary)
values (
    '00000000-0000-4000-8000-00000000de30', 'Backend Engineer', 'Northwind Traders',
    'https://jobs.example.com/northwind/backend-engineer', 'Lisbon', '€65k - €80k')
on conflict (user_id, job_url) do nothing;

insert into public.saved_searches (id, user_id, search_name, search_query)
values (
    '00000000-0000-4000-8000-00000000de31', '00000000-0000-4000-8000-00000000de30', 'Remote Rust roles',
    '{"keywords": "Rust engineer", "location": "Remote", "min_salary": 60000}')
on conflict (id) do nothing;
