drop trigger make_profile_on_sign_up on auth.users;
drop function internal.make_profile();
drop table public.order_items;
drop table public.orders;
drop table public.profiles;
drop type public.order_status;
